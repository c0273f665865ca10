//! `nocbot.yaml`.
