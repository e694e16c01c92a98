//! `pulselog token`: who may submit. Works while the log serves.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pulselog::artifact::Kind;
use pulselog::entry::SubmitterName;
use pulselog::server::submitters::{self, Book, TokenOptions, TokenRow};

use crate::cli::failure::{Exit, Failure};
use crate::cli::{input, print, print_json};
use pulselog::text::civil;
use pulselog::verify::plain_text::escape;

const AFTER: &str = "\
A name stands in every entry that its token submits: it is public, for ever, and
never given twice. Use roles, not people. A running log knows a new token at once
and refuses a revoked one within a second.

With --reader the same about readers of a log whose configuration says
[viewer] access = \"token\": their tokens are apart, submit nothing, and stand in no
entry. A reader's session in a browser ends within a second of its token.

Exit codes: 0 done, 1 refused, 2 wrong usage.

Examples:
  pulselog token new gateway-1 --data DIR --kinds gateway_receipt --out gateway-1.token
  pulselog token new notify-1 --data DIR \\
      --allow-unsigned argocd_observation:notify --instance argocd-prod --out notify-1.token
  pulselog token new auditor-1 --reader --data DIR --expires 90d --out auditor-1.token
  pulselog token list --data DIR
  pulselog token revoke gateway-1 --data DIR";

const NEW: &str = "\
A token without --kinds submits every signed kind. With --allow-unsigned it submits
one kind unsigned and nothing else: what it says is the word of its name.

--out writes it with mode 0600 and never over a file that exists. A shell's > would
let everybody on the machine read it.

Examples:
  pulselog token new gateway-1 --data mylog --kinds gateway_receipt --expires 30d --out t
  pulselog token new notify-1 --data mylog \\
      --allow-unsigned argocd_observation:notify --instance argocd-prod --out t

Exit codes: 0 made, 1 refused, 2 wrong usage.";

const LIST: &str = "\
Examples:
  pulselog token list --data mylog
  pulselog token list --data mylog --json

Exit codes: 0 listed, 1 refused, 2 wrong usage or no log's directory.";

const REVOKE: &str = "\
The name stays taken: it stands in every entry that the token submitted.

Examples:
  pulselog token revoke gateway-1 --data mylog

Exit codes: 0 revoked, 1 no such token, 2 wrong usage.";

/// Make, list and revoke tokens of submitters and of readers.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Make a token; it alone goes to the file or to standard output, and is kept nowhere else.
    #[command(after_help = NEW)]
    New {
        /// Name in the entries: 1 to 64 of a-z, 0-9, '.', '_', '-'.
        name: String,
        #[command(flatten)]
        data: Data,
        /// Lifetime from now: digits and d, h, m or s, e.g. 30d, 12h; no sign, no date. Without it the token does not end.
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires: Option<Duration>,
        /// Signed kinds it may submit, separated by commas; without it all.
        #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = kind)]
        kinds: Vec<Kind>,
        /// One kind that it may submit unsigned; such a token submits nothing else.
        #[arg(long, value_name = "KIND[:channel]", value_parser = unsigned)]
        allow_unsigned: Option<(Kind, Option<String>)>,
        /// Argo CD instance that it observes.
        #[arg(long, value_name = "NAME")]
        instance: Option<String>,
        /// A token that reads a closed log, and submits nothing.
        #[arg(long, conflicts_with_all = ["kinds", "allow_unsigned", "instance"])]
        reader: bool,
        /// File for the token, which nobody else may read; must not exist. Without it standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List every token's name and grant, never the token.
    #[command(after_help = LIST)]
    List {
        #[command(flatten)]
        data: Data,
        /// Readers' tokens instead of submitters'.
        #[arg(long)]
        reader: bool,
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token by its name.
    #[command(after_help = REVOKE)]
    Revoke {
        /// Name of the token.
        name: String,
        #[command(flatten)]
        data: Data,
        /// A reader's token instead of a submitter's.
        #[arg(long)]
        reader: bool,
    },
}

#[derive(clap::Args)]
struct Data {
    /// Data directory of the log.
    #[arg(long, value_name = "DIR", env = "PULSELOG_DATA")]
    data: PathBuf,
}

impl Data {
    /// A token in a directory that no log reads would let nobody in.
    fn is_a_log(&self) -> Result<(), Failure> {
        if submitters::is_log(&self.data) {
            return Ok(());
        }
        let at = self.data.display();
        Err(Failure::usage(format!(
            "--data {at}: is no log's directory; make one with: pulselog init DIR --origin NAME"
        )))
    }
}

pub fn run(args: Args) -> Result<Exit, Failure> {
    match args.action {
        Action::New { name, data, expires, kinds, allow_unsigned, instance, reader, out } => {
            data.is_a_log()?;
            let options = TokenOptions { expires, kinds, allow_unsigned, instance };
            let name = parse(&name)?;
            let make = || submitters::create_in(book(reader), &data.data, &name, options).map_err(refused);
            match out {
                Some(out) => into_file(&out, || make().map(|made| made.token))?,
                None => print(&format!("{}\n", make()?.token))?,
            }
        }
        Action::List { data, reader, json } => {
            data.is_a_log()?;
            let rows = submitters::list_in(book(reader), &data.data).map_err(refused)?;
            if json { print_json(&rows)? } else { print(&table(book(reader), &rows))? }
        }
        Action::Revoke { name, data, reader } => {
            data.is_a_log()?;
            submitters::revoke_in(book(reader), &data.data, &parse(&name)?).map_err(refused)?;
            print(&format!("revoked {name}; a running log refuses it within a second\n"))?;
        }
    }
    Ok(Exit::Pass)
}

const fn book(reader: bool) -> Book {
    if reader { Book::Readers } else { Book::Submitters }
}

/// The file comes first: a token that nobody could keep would take its name for ever.
fn into_file(out: &Path, make: impl FnOnce() -> Result<String, Failure>) -> Result<(), Failure> {
    let wrong = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::fail(format!(
            "--out {}: exists already, and is never overwritten; choose another file",
            out.display()
        )),
        io::ErrorKind::NotFound => Failure::usage(format!("--out {}: its directory does not exist", out.display())),
        _ => input::unread(&format!("--out {}", out.display()), &error),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(wrong)?;
    let token = make().inspect_err(|_| {
        let _ = std::fs::remove_file(out);
    })?;
    writeln!(file, "{token}").and_then(|()| file.sync_all()).map_err(wrong)
}

fn refused(error: submitters::TokenError) -> Failure {
    let next = match &error {
        submitters::TokenError::NoSuchName { .. } => "; pulselog token list names those that there are",
        submitters::TokenError::NameTaken { .. } => "; choose another: a name is never given twice",
        submitters::TokenError::Options { .. } => "; pulselog token new --help has examples",
        _ => "",
    };
    Failure::fail(format!("{error}{next} [{}]", error.code()))
}

fn parse(name: &str) -> Result<SubmitterName, Failure> {
    let rule = "must be 1 to 64 of a-z, 0-9, '.', '_' and '-'; use a role, as gateway-1";
    SubmitterName::parse(name).map_err(|_| Failure::usage(format!("name {}: {rule}", escape(name))))
}

fn table(book: Book, rows: &[TokenRow]) -> String {
    if rows.is_empty() {
        let reader = if book == Book::Readers { " --reader" } else { "" };
        return format!("no tokens; make one with: pulselog token new NAME{reader} --data DIR\n");
    }
    let time = |seconds: u64| civil::with_millis(i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000));
    let line = |row: &TokenRow| {
        let state = match (row.revoked_at, row.expires_at) {
            (Some(at), _) => format!("revoked {}", time(at)),
            (None, Some(at)) => format!("expires {}", time(at)),
            (None, None) => "no end".to_owned(),
        };
        let grant = match (&row.unsigned, &row.kinds) {
            _ if book == Book::Readers => "reads".to_owned(),
            (Some(unsigned), _) => {
                let channel = unsigned.channel.as_deref().map_or(String::new(), |channel| format!(":{channel}"));
                let on = unsigned.instance.as_deref().map_or(String::new(), |instance| format!(" on {instance}"));
                format!("unsigned {}{channel}{on}", unsigned.kind)
            }
            (None, Some(kinds)) => kinds.join(","),
            (None, None) => "every signed kind".to_owned(),
        };
        format!("{:<24}  {:<34}  {grant}\n", row.name, state)
    };
    rows.iter().map(line).collect()
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::parse(text).ok_or_else(|| {
        let names: Vec<_> = Kind::ALL.into_iter().map(Kind::name).collect();
        format!("no such kind; kinds are {}", names.join(", "))
    })
}

fn unsigned(text: &str) -> Result<(Kind, Option<String>), String> {
    match text.split_once(':') {
        Some((name, channel)) => Ok((kind(name)?, Some(channel.to_owned()))),
        None => Ok((kind(text)?, None)),
    }
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || "give digits and one of d, h, m, s, counted from now, e.g. 30d; no sign, no date".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return Err(wrong()),
    };
    // The units are ASCII, so the last byte is the last character.
    let digits = &text[..text.len() - 1];
    // The standard library would take a plus sign.
    let count: u64 = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit())).ok_or_else(wrong)?;
    count.checked_mul(seconds).filter(|s| *s > 0).map(Duration::from_secs).ok_or_else(wrong)
}
