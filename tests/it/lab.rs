//! Real FRR routers in network namespaces.
