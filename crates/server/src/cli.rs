//! The command line: what can be typed, with examples.

mod serve;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use sensorium_model::DatabaseName;

use crate::config::FlagValue;
use crate::import::ImportArgs;
use crate::simulate::{self, SimulateArgs};

pub(crate) use serve::ServeFlags;

/// Keeps what devices send, answers questions about it and shows it as it happens
#[derive(Debug, Parser)]
#[command(name = "sensorium", version, arg_required_else_help = true, after_help = TOP_EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const TOP_EXAMPLES: &str = "\
Examples:
  sensorium serve                                   Start; follow the printed link
  sensorium import readings.csv --timezone Europe/Helsinki
  sensorium query 'SELECT * FROM cpu ORDER BY time DESC LIMIT 5'

Settings come from sensorium.toml, SENSORIUM_* variables and flags; `sensorium config` shows them all.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Read a CSV, Parquet or line-protocol file into a database
    Import(ImportCommand),
    /// Ask a question in SQL and print the answer
    #[command(after_help = QUERY_EXAMPLES)]
    Query(QueryArgs),
    /// Write the answer to a question in SQL to a Parquet or CSV file
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Create, list and revoke API tokens
    #[command(after_help = TOKEN_EXAMPLES)]
    Token(TokenArgs),
    /// Send a test message and say what the mail server answers
    #[command(after_help = MAIL_EXAMPLES)]
    Mail(MailArgs),
    /// Send what devices would send, over MQTT
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(SimulateArgs),
    /// Make a server's types, places, devices, templates and groups as YAML files say
    #[command(after_help = APPLY_HELP)]
    Apply(ApplyArgs),
    /// Print a server's types, places, devices, templates and groups as YAML, or write them to files
    #[command(after_help = EXPORT_CONFIG_HELP)]
    ExportConfig(ExportConfigArgs),
    /// Look after a data folder
    #[command(after_help = STORE_EXAMPLES)]
    Store(StoreArgs),
    /// Copy what a server has, while it runs, to a folder of backups
    #[command(after_help = BACKUP_HELP)]
    Backup(BackupArgs),
    /// Make a new data folder from a backup
    #[command(after_help = RESTORE_HELP)]
    Restore(RestoreArgs),
    /// Show the effective configuration and where each value comes from
    #[command(after_help = CONFIG_EXAMPLES)]
    Config(ConfigArgs),
    /// Print the version
    #[command(after_help = "Example:\n  sensorium version")]
    Version,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  sensorium serve
  sensorium serve --data-dir /var/lib/sensorium --http 127.0.0.1:8086
  sensorium serve --tls-self-signed                 HTTPS with a certificate of its own
  sensorium serve --tls-cert cert.pem --tls-key key.pem
  sensorium serve --mqtt 0.0.0.0:1883
  sensorium serve --coap 0.0.0.0:5683
  sensorium serve --example coap-lab                Temperature and humidity of a room over CoAP, without credentials
  sensorium serve --set query.timeout_seconds=10 --set http.public_metrics=true
  SENSORIUM_HTTP__LISTEN=0.0.0.0:80 sensorium serve
  SENSORIUM_BOOTSTRAP_TOKEN=$(openssl rand -hex 32) sensorium serve     An API token at the first start";

const QUERY_EXAMPLES: &str = "\
Examples:
  sensorium query 'SHOW TABLES'
  sensorium query \"SELECT time, usage_user FROM cpu WHERE cpu = 'cpu-total' ORDER BY time DESC LIMIT 5\"
  sensorium query --database office --format csv 'SELECT * FROM office' > office.csv
  echo 'SELECT count(*) FROM cpu' | sensorium query -
  sensorium query --url https://sensors.example.org --token sen_… 'SHOW TABLES'

Asks the server that uses the data folder, or the one at --url; without a running server the folder is opened directly.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  sensorium export 'SELECT * FROM cpu' --output cpu.parquet
  sensorium export \"SELECT * FROM cpu WHERE time >= now() - INTERVAL '1 day'\" --output day.csv
  sensorium export - --format csv --output cpu.txt < question.sql

A file that is there already is replaced, once the new one is whole. The server's limits of an answer (query.max_rows, query.timeout_seconds)
hold: export more in parts, by time.";

const TOKEN_EXAMPLES: &str = "\
Examples:
  sensorium token create --name dashboard --read
  sensorium token create --name greenhouse --write --database plants
  sensorium token list
  sensorium token revoke 0198c1f2-5f3e-7c4b-9a51-0f6a1c2b3d4e";

const MAIL_EXAMPLES: &str = "\
Examples:
  sensorium mail test ada@example.org
  sensorium mail test ada@example.org --config /etc/sensorium/sensorium.toml
  sensorium mail test ada@example.org --set mail.host=smtp.example.org --set mail.from=sensorium@example.org

The server that uses the data folder sends it; when none runs, this command does, with its own settings.";

const APPLY_HELP: &str = "\
Examples:
  sensorium apply -f registry                       Says what would change; changes nothing
  sensorium apply -f registry --yes                 Does it
  sensorium apply -f registry --prune --yes         Also removes what no file names
  sensorium apply -f devices.yaml --url https://sensors.example.org --token sen_…

`sensorium export-config --output registry` writes files to start from. Templates are only changed on the server's own machine, without --token.";

const EXPORT_CONFIG_HELP: &str = "\
Examples:
  sensorium export-config                           Prints everything
  sensorium export-config --output registry         Writes registry/device-types.yaml, places.yaml, devices.yaml,
                                                    templates.yaml and groups.yaml, and the pictures of plans in registry/plans

API tokens, Wi-Fi passwords and people are not in it. Only administrators see groups.";

const STORE_EXAMPLES: &str = "\
Examples:
  sensorium store check                             Reads everything and says what is damaged
  sensorium store check --data-dir /var/lib/sensorium
  sensorium store salvage                           Says what could be kept of damaged files, and what is lost
  sensorium store salvage --yes                     Does it";

const BACKUP_HELP: &str = "\
Examples:
  sensorium backup /mnt/backup                      Everything that was acknowledged until now
  sensorium backup /mnt/backup --keep 30 --data-dir /var/lib/sensorium

Run it on the machine of the server, as a user that can read the data folder; it also works when no server runs. Files that an earlier
backup in the folder has are not copied again.";

const RESTORE_HELP: &str = "\
Examples:
  sensorium restore /mnt/backup --list
  sensorium restore /mnt/backup --data-dir /var/lib/sensorium
  sensorium restore /mnt/backup --at 20260131T030000Z --data-dir restored

The data folder must be empty or missing. Each file is compared with its checksum.";

const CONFIG_EXAMPLES: &str = "\
Examples:
  sensorium config
  sensorium config --config /etc/sensorium/sensorium.toml
  sensorium config > sensorium.toml                 A file to start from, with every setting in it
  sensorium config --format json                    For programs";

/// Where the configuration comes from; taken by every command.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConfigFlags {
    /// Configuration file [default: sensorium.toml in the current folder, if it is there]
    #[arg(long, value_name = "FILE", env = crate::config::FILE_VARIABLE, global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Folder that holds everything Sensorium stores [default: data]
    #[arg(long, value_name = "FOLDER", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Any setting, by its key; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value, global = true)]
    pub(crate) set: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) flags: ServeFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) flags: ServeFlags,
    /// How the settings are printed
    #[arg(long, short, value_enum, default_value = "toml")]
    pub(crate) format: ConfigFormat,
}

/// How settings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigFormat {
    /// A file that can be loaded again, with origins as comments
    Toml,
    /// An object of key to value and origin
    Json,
}

impl ConfigFlags {
    /// The settings that the flags make.
    pub(crate) fn values(&self) -> Vec<FlagValue> {
        let set = self.set.iter().map(|(key, value)| (key.clone(), value.clone(), "--set"));
        let data_dir = self.data_dir.iter();
        let data_dir = data_dir.map(|path| ("data_dir".to_owned(), path.to_string_lossy().into_owned(), "--data-dir"));
        set.chain(data_dir).collect()
    }
}

/// How a command reaches the data: a server far away, the one on this machine, or the folder itself.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReachFlags {
    #[command(flatten)]
    pub(crate) config: ConfigFlags,
    /// Address of a server, such as https://sensors.example.org
    #[arg(long, value_name = "URL", env = "SENSORIUM_URL")]
    pub(crate) url: Option<String>,
    /// API token for that server
    #[arg(long, value_name = "TOKEN", env = "SENSORIUM_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportCommand {
    #[command(flatten)]
    pub(crate) reach: ReachFlags,
    #[command(flatten)]
    pub(crate) import: ImportArgs,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// A table for people
    Table,
    /// Comma-separated values with a header
    Csv,
    /// A list of objects
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    pub(crate) reach: ReachFlags,
    /// The statement; - reads it from standard input
    #[arg(value_name = "SQL", allow_hyphen_values = true)]
    pub(crate) sql: String,
    /// Database whose tables need no prefix
    #[arg(long, alias = "db", value_name = "NAME", default_value = "main")]
    pub(crate) database: DatabaseName,
    /// How the answer is printed
    #[arg(long, short, value_enum, default_value = "table")]
    pub(crate) format: OutputFormat,
}

/// What an exported file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Apache Parquet, compressed with zstd
    Parquet,
    /// Comma-separated values with a header
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) reach: ReachFlags,
    /// The statement; - reads it from standard input
    #[arg(value_name = "SQL", allow_hyphen_values = true)]
    pub(crate) sql: String,
    /// Database whose tables need no prefix
    #[arg(long, alias = "db", value_name = "NAME", default_value = "main")]
    pub(crate) database: DatabaseName,
    /// The file
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// What the file is [default: what its name ends in]
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<ExportFormat>,
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) reach: ReachFlags,
    #[command(subcommand)]
    pub(crate) action: TokenAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Create a token and print its secret, once
    #[command(
        after_help = "Examples:\n  sensorium token create --name greenhouse --write --database plants\n  sensorium token create --name workshop --for-devices --days 365"
    )]
    Create {
        /// What the token is for
        #[arg(long)]
        name: String,
        /// May read; without --read and --write it may do both
        #[arg(long)]
        read: bool,
        /// May write
        #[arg(long)]
        write: bool,
        /// Only this database
        #[arg(long, alias = "db", value_name = "NAME")]
        database: Option<DatabaseName>,
        /// A key for devices: it writes for the device that each reading names, and does nothing else
        #[arg(long, conflicts_with_all = ["read", "write"])]
        for_devices: bool,
        /// It is refused after so many days
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..=36_500))]
        days: Option<i64>,
    },
    /// List the tokens; secrets are not stored and cannot be shown
    #[command(after_help = "Example:\n  sensorium token list")]
    List,
    /// Make a token useless, at once
    #[command(after_help = "Example:\n  sensorium token revoke 0198c1f2-5f3e-7c4b-9a51-0f6a1c2b3d4e")]
    Revoke {
        /// The token's id, as `token list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct MailArgs {
    #[command(flatten)]
    pub(crate) reach: ReachFlags,
    #[command(subcommand)]
    pub(crate) action: MailAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MailAction {
    /// Send a test message and say what the mail server answers
    #[command(after_help = "Example:\n  sensorium mail test ada@example.org")]
    Test {
        /// Where it goes
        #[arg(value_name = "ADDRESS")]
        address: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) reach: ReachFlags,
    /// A YAML file, or a folder whose .yaml and .yml files are taken together
    #[arg(long = "files", short = 'f', value_name = "FILE|FOLDER")]
    pub(crate) files: PathBuf,
    /// Also remove what the server has and no file names, of the kinds that some file mentions
    #[arg(long)]
    pub(crate) prune: bool,
    /// Do it; without, nothing is changed
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportConfigArgs {
    #[command(flatten)]
    pub(crate) reach: ReachFlags,
    /// Folder for the files, one for each kind of things [default: standard output]
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFlags,
    /// Folder of backups; made if it is missing
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// How many backups stay in the folder; older ones are removed
    #[arg(long, value_name = "NUMBER", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) keep: u16,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFlags,
    /// Folder of backups
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// The backup's name, as --list shows it [default: the newest]
    #[arg(long, value_name = "NAME")]
    pub(crate) at: Option<String>,
    /// Show the backups that there are
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    pub(crate) action: StoreAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreAction {
    /// Read everything that is stored and say what is damaged; changes nothing
    #[command(
        after_help = "Example:\n  sensorium store check --data-dir /var/lib/sensorium\n\nStop the server first. The exit code is 1 if anything is damaged."
    )]
    Check {
        #[command(flatten)]
        config: ConfigFlags,
    },
    /// Recover what is readable from a damaged folder and say exactly what is lost
    #[command(after_help = SALVAGE_HELP)]
    Salvage {
        #[command(flatten)]
        config: ConfigFlags,
        /// Do it; without, nothing is changed
        #[arg(long)]
        yes: bool,
    },
}

const SALVAGE_HELP: &str = "\
Examples:
  sensorium store salvage --data-dir /var/lib/sensorium          Says what it would do; changes nothing
  sensorium store salvage --data-dir /var/lib/sensorium --yes    Does it

Stop the server first. Damaged files are never deleted: they are moved to salvaged/TIME in the data folder. If there is a backup,
`sensorium restore` may lose less. The exit code is 1 if something is damaged and --yes was not given.";

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("write it as KEY=VALUE, such as query.max_rows=1000")?;
    Ok((pair.0.trim().to_owned(), pair.1.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound_and_every_command_has_examples() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("sensorium "), "{} has no example", sub.get_name());
        }
    }

    #[test]
    fn flags_become_settings() {
        let cli =
            Cli::parse_from(["sensorium", "serve", "--http", "127.0.0.1:0", "--no-host-metrics", "--set", "a=b=c"]);
        let Command::Serve(serve) = cli.command else { panic!("not serve") };
        let values = serve.flags.values();
        let keys: Vec<(&str, &str)> = values.iter().map(|(key, value, _)| (key.as_str(), value.as_str())).collect();
        assert_eq!(keys, [("a", "b=c"), ("http.listen", "127.0.0.1:0"), ("host_metrics.enabled", "false")]);
    }
}
