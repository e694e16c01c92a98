//! The registry's version 2 (PEERS 6.4): statements that allow or deny
//! actions on resources under conditions.
//!
//! ```text
//! action           names                                       resource
//! sync             argocd:app:sync                             argocd/<instance>/<project>/<destination namespace>/<app>
//! any on Argo CD   tool:execute, denies only; Tool:Name        the same, the tool's name, argocd:<app>:<action>
//! model call       model:invoke                                model/<provider>/<model>
//! ```
//! An action that reaches several namespaces is asked for each. A Deny is
//! matched against more spellings than an Allow: it is the side that may err.

use crate::artifact::WorkPolicy;
use crate::policy::condition::{Facts, HAS_APPROVAL, Held};
use crate::policy::glob::units;
use crate::policy::judgement::{Reason, Verdict};
use crate::policy::statement::{Effect, Names, Statement};
use crate::policy::{Action, ArgoAction, Context, ModelCall};

const STATEMENTS: &str = "statements";

#[derive(Clone, Debug)]
pub(super) struct RegistryV2 {
    pub(super) statements: Vec<Statement>,
}

/// An action in the words of statements.
struct Question {
    /// How a sentence calls it.
    name: &'static str,
    actions: Names,
    /// Each must be allowed.
    resources: Names,
    /// Why no statement can allow it.
    beyond: Option<(Reason, &'static str)>,
    /// Action names and the resources a Deny of them is matched against; no
    /// resources: the target is unknown, every one may be meant.
    denies: Vec<(Names, Names)>,
}

impl RegistryV2 {
    /// From a payload whose shape was checked.
    pub(super) fn compile(says: WorkPolicy<'_>) -> Self {
        Self { statements: says.statements().map(Statement::compile).collect() }
    }

    pub(super) fn judge(&self, action: &Action, context: &Context) -> Verdict {
        let question = match action {
            Action::Argo(action) if action.has_too_many_namespaces() => return Verdict::too_many_namespaces(),
            Action::ModelCall(call) if !call.is_readable() => return Verdict::unreadable(),
            Action::Argo(action) => Question::of_argo(action),
            Action::ModelCall(call) => Question::of_call(call),
        };
        let facts = |approved| Facts { action, context, approved };
        // Approvals bind acts on Argo CD: nobody approves a model call.
        if matches!(action, Action::ModelCall(_)) {
            return self.answer(&question, &facts(false)).unwrap_or_else(|(_, verdict)| verdict);
        }
        // Judged as if approved, and again as if not: where that matters, an
        // approval is required.
        match (self.answer(&question, &facts(true)), self.answer(&question, &facts(false))) {
            (Err((_, refused)), _) => refused,
            (Ok(allowed), Ok(_)) if !self.asks_for_approval(&question, &facts(true)) => allowed,
            (Ok(_), _) => self.with_approval(&question, &facts(true)),
        }
    }

    /// Allow, or the place and the refusal.
    fn answer(&self, question: &Question, facts: &Facts<'_>) -> Result<Verdict, (usize, Verdict)> {
        self.denied(question, facts)?;
        if let Some((reason, sentence)) = question.beyond {
            return Err((0, Verdict::deny(STATEMENTS.to_owned(), reason, sentence.to_owned())));
        }
        let mut first = None;
        for resource in &question.resources {
            let allowing = self.allowing(question, facts).find(|(_, statement)| statement.names_resource(resource));
            match allowing {
                Some((at, _)) => first = first.or(Some(at)),
                None => return Err((0, self.nobody_allows(question, resource, facts))),
            }
        }
        let at = first.unwrap_or(0);
        Ok(Verdict::allow(path(at), false, format!("a statement allows {}", question.name)))
    }

    fn denied(&self, question: &Question, facts: &Facts<'_>) -> Result<(), (usize, Verdict)> {
        for (at, statement) in self.statements.iter().enumerate().filter(|(_, own)| own.effect == Effect::Deny) {
            let named = question.denies.iter().any(|(actions, resources)| {
                let named_resource = |resource: &Vec<u16>| statement.names_resource(resource);
                statement.names_action(actions) && (resources.is_empty() || resources.iter().any(named_resource))
            });
            if !named {
                continue;
            }
            let name = question.name;
            match statement.held(facts) {
                Held::No => {}
                Held::Yes => {
                    let sentence = format!("a statement denies {name}");
                    return Err((at, Verdict::deny(path(at), Reason::DeniedByClause, sentence)));
                }
                Held::Unknown(key) => {
                    let sentence = format!("a statement denies {name} depending on {key}, which is not known");
                    return Err((at, Verdict::deny(path(at), Reason::DeniedByUnknownFact, sentence)));
                }
            }
        }
        Ok(())
    }

    /// Statements that allow the action, on whatever resource.
    fn allowing<'a>(
        &'a self,
        question: &'a Question,
        facts: &'a Facts<'_>,
    ) -> impl Iterator<Item = (usize, &'a Statement)> + 'a {
        self.named(question).filter(|(_, statement)| statement.held(facts) == Held::Yes)
    }

    fn named<'a>(&'a self, question: &'a Question) -> impl Iterator<Item = (usize, &'a Statement)> + 'a {
        let allows = self.statements.iter().enumerate().filter(|(_, statement)| statement.effect == Effect::Allow);
        allows.filter(|(_, statement)| statement.names_action(&question.actions))
    }

    /// Why the resource is not allowed.
    fn nobody_allows(&self, question: &Question, resource: &[u16], facts: &Facts<'_>) -> Verdict {
        let (name, resource_text) = (question.name, String::from_utf16_lossy(resource));
        let near = self.named(question).find(|(_, statement)| statement.names_resource(resource));
        match near.map(|(at, statement)| (at, statement.held(facts))) {
            Some((at, Held::Unknown(key))) => {
                let sentence = format!("a statement would allow {name}, but {key} cannot be decided");
                Verdict::deny(path(at), Reason::ConditionNotMet, sentence)
            }
            Some((at, _)) => {
                let sentence = format!("a statement would allow {name}, but its conditions do not hold");
                Verdict::deny(path(at), Reason::ConditionNotMet, sentence)
            }
            None => {
                let sentence = format!("no statement allows {name} on {resource_text}");
                Verdict::deny(STATEMENTS.to_owned(), Reason::NoClauseAllows, sentence)
            }
        }
    }

    fn reaches(question: &Question, statement: &Statement) -> bool {
        question.resources.iter().any(|resource| statement.names_resource(resource))
    }

    /// The first statement that matches only because the act is approved.
    fn asking(&self, question: &Question, approved: &Facts<'_>) -> Option<usize> {
        let without = Facts { approved: false, ..*approved };
        self.allowing(question, approved)
            .filter(|(_, statement)| Self::reaches(question, statement))
            .find(|(_, statement)| statement.held(&without) != Held::Yes)
            .map(|(at, _)| at)
    }

    fn asks_for_approval(&self, question: &Question, approved: &Facts<'_>) -> bool {
        self.asking(question, approved).is_some()
    }

    fn with_approval(&self, question: &Question, approved: &Facts<'_>) -> Verdict {
        let without = Facts { approved: false, ..*approved };
        // Else it is a Deny of what nobody approved.
        let denying = || self.denied(question, &without).err().map(|(at, _)| at);
        let at = self.asking(question, approved).or_else(denying).unwrap_or(0);
        let sentence = format!("a statement allows {} where {HAS_APPROVAL} holds", question.name);
        Verdict::allow(path(at), true, sentence)
    }
}

fn path(at: usize) -> String {
    format!("{STATEMENTS}[{at}]")
}

impl Question {
    fn of_argo(action: &ArgoAction) -> Self {
        let row = action.action().row();
        let names = |names: &[&str]| -> Names { names.iter().map(|name| units(name)).collect() };
        let path = |project: &str, namespace: &str, app: &str| {
            units(&format!("argocd/{}/{project}/{namespace}/{app}", action.instance()))
        };
        let resources: Names = match action.app() {
            Some(app) => action.namespaces().map(|namespace| path(&app.project, namespace, &app.name)).collect(),
            None => Vec::new(),
        };
        let mut tool_resources = resources.clone();
        if let Some(app) = action.app() {
            tool_resources.push(units(row.tool));
            tool_resources.push(units(&format!("argocd:{}:{}", app.name, row.name)));
        }
        let beyond = match action.app() {
            None => Some((Reason::NoApplication, "the action is about no application")),
            Some(_) if action.reaches("") => {
                Some((Reason::NamespaceUnnamed, "the action reaches a place without namespace"))
            }
            Some(_) => None,
        };
        Self {
            name: row.name,
            actions: names(row.statement_names),
            beyond,
            denies: vec![
                (names(&[row.statement_names, row.included_in].concat()), resources.clone()),
                (names(&["tool:execute"]), tool_resources),
            ],
            resources,
        }
    }

    fn of_call(call: &ModelCall) -> Self {
        let (provider, model) = (call.provider(), call.model());
        let whole = units(&format!("model/{provider}/{model}"));
        let spellings = vec![whole.clone(), units(&format!("{provider}/{model}")), units(model), units(provider)];
        // A slash in the provider would move the model into another segment.
        let ambiguous = provider.contains('/');
        Self {
            name: "model:invoke",
            actions: vec![units("model:invoke")],
            resources: vec![whole],
            beyond: ambiguous.then_some((Reason::NameUnreadable, "the provider's name holds a slash")),
            denies: vec![(vec![units("model:invoke")], spellings)],
        }
    }
}
