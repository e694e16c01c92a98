//! What uses an approval up: the first decision of its agent that names it,
//! unless nothing came of that one (JUDGING 4.11).

use crate::artifact::Approval;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Operation, Receipt, Statement};
use crate::merkle::LeafIndex;

/// An earlier decision that consumed an approval and released it again.
pub(in crate::audit) struct Released<'s, 'a> {
    /// That decision.
    pub user: &'s Decision<'a>,
    /// Whether it is this agent's, or only may be.
    pub is_its: bool,
    /// The receipts that stood before and said that nothing was done.
    pub told: Vec<&'s Receipt<'a>>,
}

/// Each earlier decision that is this one's agent's, or may be and was released.
pub(in crate::audit) fn releasing<'s, 'a>(
    scene: &'s Scene<'a>,
    decision: &Decision<'a>,
    approval: &Statement<'a, Approval<'a>>,
) -> Vec<Released<'s, 'a>> {
    let Some(agent) = decision.agent else { return Vec::new() };
    let hash = approval.hash.to_string();
    let users = scene.users_of(&hash).filter(|user| user.statement.at < decision.statement.at);
    let in_time = |receipt: &&Receipt<'a>| receipt.statement.at < decision.statement.at;
    let released = users.filter(|user| user.is_of(agent) || user.may_be_of(agent)).map(|user| {
        let told = scene.receipts_of(user).filter(in_time).collect();
        Released { user, is_its: user.is_of(agent), told }
    });
    released.filter(|user| user.is_its || !user.told.is_empty()).collect()
}

/// Whether one more receipt could say that nothing came of a decision, so that
/// at most an operation that may be none of its agent's speaks against it.
pub(in crate::audit) fn may_be_released(scene: &Scene<'_>, user: &Decision<'_>) -> bool {
    let is_doubtful = |operation: &Operation<'_>| scene.doubt(user, operation).is_some();
    scene.receipts_of(user).all(Receipt::says_nothing_was_done) && scene.operations_of(user).all(is_doubtful)
}

/// The earlier allow decision of the same agent that consumed the approval:
/// one that surely did, else one of which that is in doubt, and why.
pub(super) fn consumed_before(
    scene: &Scene<'_>,
    decision: &Decision<'_>,
    approval: &str,
) -> Option<(LeafIndex, Option<&'static str>)> {
    let agent = decision.agent?;
    let before = |user: &&Decision<'_>| user.statement.at < decision.statement.at;
    let earlier = || scene.users_of(approval).filter(before);
    let is_used = |user: &&Decision<'_>| {
        !is_released(scene, user, decision.statement.at) && !is_unsure(scene, user, decision.statement.at)
    };
    let is_its = |user: &&Decision<'_>| user.is_of(agent);
    if let Some(user) = earlier().filter(is_its).find(is_used) {
        return Some((user.statement.at, None));
    }
    let doubt = |user: &Decision<'_>| {
        let observed = || scene.doubted_of(user).find_map(|operation| scene.doubt(user, operation));
        let unsure = is_unsure(scene, user, decision.statement.at)
            .then_some("a receipt of the first use does not agree with itself");
        unsure.or_else(observed)
    };
    let anothers = |user: &Decision<'_>| {
        let is_open = !is_released(scene, user, decision.statement.at) || doubt(user).is_some();
        is_open.then_some("the first use names no token that is known, and may be another agent's of its wrapper's")
    };
    let why = |user: &Decision<'_>| match user.is_of(agent) {
        true => doubt(user),
        false if user.may_be_of(agent) => anothers(user),
        false => None,
    };
    earlier().find_map(|user| Some((user.statement.at, Some(why(user)?))))
}

/// Whether nothing but what a receipt itself contradicts says, before `at`,
/// that the use came to nothing.
fn is_unsure(scene: &Scene<'_>, user: &Decision<'_>, at: LeafIndex) -> bool {
    let told = || scene.receipts_of(user);
    told().any(|receipt| receipt.statement.at < at)
        && may_be_released(scene, user)
        && told().any(Receipt::denies_its_answer)
}

/// Released before `at`: every receipt says that nothing was done, one of them
/// in time, and no operation joins that is surely its agent's.
fn is_released(scene: &Scene<'_>, user: &Decision<'_>, at: LeafIndex) -> bool {
    let told = || scene.receipts_of(user);
    let in_time = told().any(|receipt| receipt.statement.at < at);
    in_time && told().all(Receipt::says_nothing_was_done) && user.operations.is_empty()
}
