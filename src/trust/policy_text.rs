//! The text of a trust policy, read and printed. Reached as
//! `trust::TrustPolicy::parse` and its `Display`.

use std::fmt;

use super::{
    Log, POLICY_BYTES_MAX, POLICY_GROUPS_MAX, POLICY_LOGS_MAX, POLICY_WITNESSES_MAX, TrustPolicy, Voter, VoterKind,
};
use crate::codes::{self, Code};
use crate::note::{KeyError, KeyType, VerifierKey};

/// The name that stands for no quorum and can name nothing else.
const NONE: &str = "none";

pub(super) fn parse(bytes: &[u8]) -> Result<TrustPolicy, PolicyError> {
    let whole_file = |defect| PolicyError { line: 0, defect };
    if bytes.len() > POLICY_BYTES_MAX {
        return Err(whole_file(PolicyDefect::TooLarge));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| whole_file(PolicyDefect::NotUtf8))?;
    let mut draft = Draft::default();
    for (line, number) in text.split('\n').zip(1..) {
        draft.read(line).map_err(|defect| PolicyError { line: number, defect })?;
    }
    let quorum = draft.quorum.ok_or(whole_file(PolicyDefect::NoQuorum))?;
    Ok(TrustPolicy { logs: draft.logs, voters: draft.voters, quorum })
}

#[derive(Default)]
struct Draft {
    logs: Vec<Log>,
    voters: Vec<Voter>,
    /// Positions in `voters` that are a member of some group.
    taken: Vec<usize>,
    /// The outer option is whether a quorum line was read.
    quorum: Option<Option<usize>>,
}

impl Draft {
    fn read(&mut self, line: &str) -> Result<(), PolicyDefect> {
        if line.bytes().any(|byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
            return Err(PolicyDefect::ControlCharacter);
        }
        // Only space and tab part words: Unicode spaces are part of a name.
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", rest @ ..] => self.read_log(rest),
            ["witness", rest @ ..] => self.read_witness(rest),
            ["group", rest @ ..] => self.read_group(rest),
            ["quorum", rest @ ..] => self.read_quorum(rest),
            _ => Err(PolicyDefect::UnknownKeyword),
        }
    }

    fn read_log(&mut self, words: &[&str]) -> Result<(), PolicyDefect> {
        let (vkey, url) = match *words {
            [vkey] => (vkey, None),
            [vkey, url] => (vkey, Some(url.to_owned())),
            _ => return Err(PolicyDefect::Words { form: "log <vkey> [<url>]" }),
        };
        let key = read_key(vkey, KeyType::Ed25519)?;
        if self.logs.iter().any(|log| log.key.public_key() == key.public_key()) {
            return Err(PolicyDefect::DuplicateKey);
        }
        require_room(self.logs.len(), POLICY_LOGS_MAX, "logs")?;
        self.logs.push(Log { key, url });
        Ok(())
    }

    fn read_witness(&mut self, words: &[&str]) -> Result<(), PolicyDefect> {
        let (name, vkey, url) = match *words {
            [name, vkey] => (name, vkey, None),
            [name, vkey, url] => (name, vkey, Some(url.to_owned())),
            _ => return Err(PolicyDefect::Words { form: "witness <name> <vkey> [<url>]" }),
        };
        self.require_free(name)?;
        let key = read_key(vkey, KeyType::CosignatureV1)?;
        let mut witnesses = 0;
        for voter in &self.voters {
            if let VoterKind::Witness { key: other, .. } = &voter.kind {
                witnesses += 1;
                if other.public_key() == key.public_key() {
                    return Err(PolicyDefect::DuplicateKey);
                }
            }
        }
        require_room(witnesses, POLICY_WITNESSES_MAX, "witnesses")?;
        self.voters.push(Voter { name: name.to_owned(), kind: VoterKind::Witness { key: Box::new(key), url } });
        Ok(())
    }

    fn read_group(&mut self, words: &[&str]) -> Result<(), PolicyDefect> {
        let [name, threshold, names @ ..] = words else {
            return Err(PolicyDefect::Words { form: "group <name> all|any|<k> <member>..." });
        };
        if names.is_empty() {
            return Err(PolicyDefect::Words { form: "group <name> all|any|<k> <member>..." });
        }
        self.require_free(name)?;
        let groups = self.voters.iter().filter(|voter| matches!(voter.kind, VoterKind::Group { .. })).count();
        require_room(groups, POLICY_GROUPS_MAX, "groups")?;
        let threshold = read_threshold(threshold, names.len())?;
        let mut members = Vec::with_capacity(names.len());
        for member in names {
            let position = self.position(member)?;
            if self.taken.contains(&position) {
                return Err(PolicyDefect::MemberTwice { name: (*member).to_owned() });
            }
            self.taken.push(position);
            members.push(position);
        }
        self.voters.push(Voter { name: (*name).to_owned(), kind: VoterKind::Group { threshold, members } });
        Ok(())
    }

    fn read_quorum(&mut self, words: &[&str]) -> Result<(), PolicyDefect> {
        let [name] = *words else {
            return Err(PolicyDefect::Words { form: "quorum <name>|none" });
        };
        if self.quorum.is_some() {
            return Err(PolicyDefect::SecondQuorum);
        }
        self.quorum = Some(if name == NONE { None } else { Some(self.position(name)?) });
        Ok(())
    }

    fn require_free(&self, name: &str) -> Result<(), PolicyDefect> {
        if name == NONE {
            return Err(PolicyDefect::ReservedName);
        }
        if self.voters.iter().any(|voter| voter.name == name) {
            return Err(PolicyDefect::DuplicateName { name: name.to_owned() });
        }
        Ok(())
    }

    fn position(&self, name: &str) -> Result<usize, PolicyDefect> {
        let found = self.voters.iter().position(|voter| voter.name == name);
        found.ok_or_else(|| PolicyDefect::UndefinedName { name: name.to_owned() })
    }
}

fn read_key(vkey: &str, key_type: KeyType) -> Result<VerifierKey, PolicyDefect> {
    let key = VerifierKey::parse(vkey)?;
    key.require(key_type)?;
    Ok(key)
}

fn read_threshold(word: &str, members: usize) -> Result<usize, PolicyDefect> {
    match word {
        "any" => Ok(1),
        "all" => Ok(members),
        number => {
            let threshold = number.parse::<usize>().ok().filter(|parsed| parsed.to_string() == number);
            threshold.filter(|threshold| (1..=members).contains(threshold)).ok_or(PolicyDefect::Threshold { members })
        }
    }
}

fn require_room(used: usize, limit: usize, field: &'static str) -> Result<(), PolicyDefect> {
    if used < limit { Ok(()) } else { Err(PolicyDefect::TooMany { field, limit }) }
}

impl fmt::Display for TrustPolicy {
    /// Prints a policy file that reads back equal: logs, then witnesses and
    /// groups in an order in which they may refer to each other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Log { key, url } in &self.logs {
            write!(f, "log {key}")?;
            write_url(f, url.as_deref())?;
        }
        for Voter { name, kind } in &self.voters {
            match kind {
                VoterKind::Witness { key, url } => {
                    write!(f, "witness {name} {key}")?;
                    write_url(f, url.as_deref())?;
                }
                VoterKind::Group { threshold, members } => {
                    write!(f, "group {name} {threshold}")?;
                    for member in members {
                        write!(f, " {}", self.voters[*member].name)?;
                    }
                    writeln!(f)?;
                }
            }
        }
        writeln!(f, "quorum {}", self.quorum.map_or(NONE, |position| &self.voters[position].name))
    }
}

fn write_url(f: &mut fmt::Formatter<'_>, url: Option<&str>) -> fmt::Result {
    match url {
        Some(url) => writeln!(f, " {url}"),
        None => writeln!(f),
    }
}

/// A policy file that is refused, with the line that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("trust policy{}: {defect}", match line { 0 => String::new(), line => format!(" line {line}") })]
pub struct PolicyError {
    /// From 1; 0 is the file as a whole.
    pub line: usize,
    pub defect: PolicyDefect,
}

impl PolicyError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        self.defect.code()
    }
}

/// Which rule a policy breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyDefect {
    #[error("file must be at most {POLICY_BYTES_MAX} bytes")]
    TooLarge,
    #[error("file must be UTF-8")]
    NotUtf8,
    #[error("line must hold no control character but tab")]
    ControlCharacter,
    #[error("line must begin with log, witness, group or quorum")]
    UnknownKeyword,
    #[error("line must have the form {form}")]
    Words { form: &'static str },
    #[error("vkey: {0}")]
    Key(#[from] KeyError),
    #[error("key is listed twice")]
    DuplicateKey,
    #[error("name {name} is defined twice")]
    DuplicateName { name: String },
    #[error("name none is reserved")]
    ReservedName,
    #[error("name {name} must be defined on a line above")]
    UndefinedName { name: String },
    #[error("name {name} must be a member at most once")]
    MemberTwice { name: String },
    #[error("threshold must be any, all or 1 to {members}")]
    Threshold { members: usize },
    #[error("file must hold at most {limit} {field}")]
    TooMany { field: &'static str, limit: usize },
    #[error("file must hold one quorum line, got a second")]
    SecondQuorum,
    #[error("file must hold a quorum line")]
    NoQuorum,
    #[error("file lists no log, so no checkpoint could be believed; add its log line")]
    NoLog,
}

impl PolicyDefect {
    fn code(&self) -> &'static Code {
        match self {
            Self::TooLarge => &codes::trust::POLICY_TOO_LARGE,
            Self::NotUtf8 => &codes::trust::POLICY_NOT_UTF8,
            Self::ControlCharacter => &codes::trust::POLICY_CONTROL_CHARACTER,
            Self::UnknownKeyword => &codes::trust::POLICY_UNKNOWN_KEYWORD,
            Self::Words { .. } => &codes::trust::POLICY_LINE_FORM,
            Self::Key(error) => error.code(),
            Self::DuplicateKey => &codes::trust::POLICY_DUPLICATE_KEY,
            Self::DuplicateName { .. } => &codes::trust::POLICY_DUPLICATE_NAME,
            Self::ReservedName => &codes::trust::POLICY_RESERVED_NAME,
            Self::UndefinedName { .. } => &codes::trust::POLICY_UNDEFINED_NAME,
            Self::MemberTwice { .. } => &codes::trust::POLICY_MEMBER_TWICE,
            Self::Threshold { .. } => &codes::trust::POLICY_THRESHOLD,
            Self::TooMany { .. } => &codes::trust::POLICY_TOO_MANY,
            Self::SecondQuorum => &codes::trust::POLICY_SECOND_QUORUM,
            Self::NoQuorum => &codes::trust::POLICY_NO_QUORUM,
            Self::NoLog => &codes::trust::POLICY_NO_LOG,
        }
    }
}
