//! Requests to the whole router, with a real store and real metadata in a folder of their own.

mod access;
mod account;
mod audit;
mod databases;
mod detections;
mod devices;
mod ingest;
mod keeping;
mod openapi;
mod pages;
mod parts;
mod queries;
mod rollups;
mod server;
mod session;
mod setup;
mod templates;
mod tokens;
mod users;
