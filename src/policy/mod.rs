//! Who may do what, and what may reach a device.
