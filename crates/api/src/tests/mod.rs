//! Requests to the whole router, with a real store and real metadata in a folder of their own.

mod access;
mod account;
#[path = "../../../metadata/tests/people/app.rs"]
mod app;
mod audit;
mod classes;
mod databases;
mod detections;
mod devices;
mod groups;
mod inbox;
mod influx;
mod ingest;
mod keeping;
mod mail;
mod mailing;
mod networks;
mod openapi;
mod pages;
mod parts;
mod places;
#[path = "../../../metadata/tests/support/postgres.rs"]
mod postgres;
#[path = "../../../mail/tests/support/python.rs"]
mod python;
mod queries;
mod registration;
mod rollups;
mod second_factor;
mod server;
mod session;
mod setup;
#[path = "../../../mail/tests/support/smtp.rs"]
mod smtp;
mod submissions;
mod templates;
mod tokens;
mod users;
