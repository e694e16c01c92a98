//! `/apps/{instance}/{namespace}/{name}`: what was done to one application, in
//! order, each with the decision, the approval, the receipt and the reports that
//! belong to it, and who saw it; who froze it and who ended that.
//!
//! The report begins at the entries that are filed under the application
//! (`Link::app`), so it costs what hangs together with them and not the log; who
//! holds no role is not filed there and makes no page longer.

pub(super) mod acts;
pub(super) mod controls;

use std::rc::Rc;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::audit::Scope;
use crate::codes::service;
use crate::merkle::TreeSize;
use crate::server::addresses::page;
use crate::server::judge::ScopeReport;
use crate::server::pages::app::acts::{Act, Acts};
use crate::server::pages::app::controls::{Control, controls};
use crate::server::pages::happened::Part;
use crate::server::pages::inline::Said;
use crate::server::pages::judging;
use crate::server::pages::note::Text;
use crate::server::pages::permalink::{self, Form};
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Choices, Reader, Shell, segments};
use crate::server::pages::record::{Record, Sources};
use crate::server::pages::states::{Row, State as PageState};
use crate::server::pages::told::{self, Told};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::{Answer, Handles, escape, offline, serve, words};

#[derive(Template)]
#[template(path = "app.html")]
struct AppPage {
    shell: Shell,
    app: Said,
    verdicts: Verdicts,
    browser: Row,
    acts: Vec<Act>,
    /// How many earlier ones the page leaves out.
    left: Option<String>,
    controls: Vec<Control>,
    record: Record,
    incidents: String,
    command: Option<String>,
    /// The same for a ticket: address and name of each form.
    forms: Vec<(String, &'static str)>,
}

pub(super) async fn page(
    State(handles): State<Handles>,
    named: Result<Path<(String, String, String)>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    serve(handles, move |reader| {
        let (instance, namespace, name) = segments(named)?;
        let (app, suffix) = self::named(reader, &format!("{instance}/{namespace}/{name}"))?;
        let form = Form::asked(suffix, &uri, &headers)?;
        let choices = || Choices::read(&uri);
        let path = format!("{}{}", page::app(&app), form.ending());
        permalink::answer(form, || match form {
            Form::Page => permalink::page(show(reader, &app, choices()?.at(reader)?)?.render()?),
            Form::Report | Form::Text | Form::Markdown | Form::Badge => {
                told(reader, &app, permalink::published(reader, &choices()?, &path)?, form)
            }
        })
    })
    .await
}

/// An application that is called as the whole address, else that before the suffix.
fn named(reader: &Reader, whole: &str) -> Result<(String, Option<Form>), Trouble> {
    let Some((app, form)) = Form::suffix(whole).filter(|(app, _)| !app.ends_with('/')) else {
        return Ok((whole.to_owned(), None));
    };
    let made = reader.sitting.report(&Scope::App(whole.to_owned()), reader.view().size())?;
    Ok(if made.is_known { (whole.to_owned(), None) } else { (app.to_owned(), Some(form)) })
}

/// The report on an application that somebody speaks of whose word counts.
fn known(reader: &Reader, app: &str, size: TreeSize) -> Result<Rc<ScopeReport>, Trouble> {
    let made = reader.sitting.report(&Scope::App(app.to_owned()), size)?;
    if !made.is_known {
        reader.view().check_none(size)?;
        let sentence = format!(
            "Nobody whose word counts speaks of this application among {}. An application is named by instance, \
             namespace and name.",
            words::entries(size.get())
        );
        return Err(Trouble::new(&service::SCOPE_NOT_FOUND, sentence).about(app));
    }
    Ok(made)
}

/// The application in another form than a page.
fn told(reader: &Reader, app: &str, size: TreeSize, form: Form) -> Result<Answer, Trouble> {
    let of = Told {
        size,
        names: vec![("App", Text::Theirs(app.to_owned()))],
        tickets: Vec::new(),
        path: page::app(app),
        command: offline::audit(reader, &[("app", app), ("at", &size.to_string())]),
        within: None,
    };
    let verdicts = |made: &ScopeReport| Verdicts::of_report(reader, made, "application", NO_PROTOCOL);
    told::told(reader, form, of, &|size| known(reader, app, size), verdicts)
}

pub(super) const NO_PROTOCOL: &str =
    "Clawsig's rules judge bundles, and a bundle is of a run: each has its own verdicts on the pages of the runs.";

fn show(reader: &Reader, app: &str, size: TreeSize) -> Result<AppPage, Trouble> {
    let made = known(reader, app, size)?;
    let Acts { shown, left, uids } = Acts::read(reader, app, &made)?;
    let controls = controls(reader, app, &uids, &made)?;
    let sources =
        Sources { what: "application", size, made: Some(&made), named: Vec::new(), is_strict: false, others: None };
    let mut record = Record::read(reader, sources)?;
    let steps = shown.iter().flat_map(|act| &act.steps).map(|step| step.index);
    record.tell(&steps.chain(controls.iter().map(|control| control.step.index)).collect());
    let newest = judging::newest(reader, &Scope::App(app.to_owned()), size)?;
    let verdicts = Verdicts::of_report(reader, &made, "application", NO_PROTOCOL)?;
    let verdicts = verdicts.pinned(reader, size, page::app(app), newest);
    let word = verdicts.title();
    let title = format!("{word} · Application {}", escape::plain(app, 60));
    let preview = Preview::of("Application").verdict(Ok(&verdicts)).at(size);
    Ok(AppPage {
        shell: reader.shell(&title, &preview).judged(Some(&verdicts)),
        app: Said::path(app),
        verdicts,
        browser: PageState::BrowserNotChecked.row(),
        acts: shown,
        left: (left > 0).then(|| words::counted(left as u64, "earlier operation", "earlier operations")),
        controls,
        record,
        incidents: page::incidents(&[("app", app)]),
        command: offline::audit(reader, &[("app", app)]),
        forms: permalink::others(reader, &page::app(app), (size < reader.view().size()).then_some(size)),
    })
}
