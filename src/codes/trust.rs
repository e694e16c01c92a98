//! Trust policies.

use super::Code;

rows! {
    /// Trust policies, and what they refuse.
    pub(super) TRUST "trust policy":
    LOG_UNKNOWN "log_unknown": "Log not trusted", "the trust policy lists no key that signed this checkpoint for its log: policy and checkpoint are of different logs, which says nothing against either, or the log's name stands in the policy with another key, which fails", "give the trust.policy of the log that the checkpoint names, from its operator; do not add a key that came with the packet";
    QUORUM_UNMET "quorum_unmet": "Too few witnesses", "fewer witnesses cosigned the checkpoint than the trust policy asks for", "ask the log for a checkpoint with more cosignatures";
    POLICY_TOO_LARGE "policy_too_large": "Trust policy too large", "the trust policy has more bytes than the limit", "check that the right file was given";
    POLICY_NOT_UTF8 "policy_not_utf8": "Trust policy not UTF-8", "the trust policy is not UTF-8", "get the trust policy again from the operator";
    POLICY_CONTROL_CHARACTER "policy_control_character": "Control character", "the trust policy holds a control character", "get the trust policy again; line ends must be newlines alone";
    POLICY_UNKNOWN_KEYWORD "policy_unknown_keyword": "Keyword unknown", "a line of the trust policy starts with no known keyword", "correct the line: log, witness, group or quorum";
    POLICY_LINE_FORM "policy_line_form": "Line malformed", "a line of the trust policy has another form than its keyword asks for", "correct the named line";
    POLICY_DUPLICATE_KEY "policy_duplicate_key": "Key listed twice", "the trust policy lists one key twice", "list each key once";
    POLICY_DUPLICATE_NAME "policy_duplicate_name": "Name defined twice", "the trust policy defines one name twice", "give each witness and group its own name";
    POLICY_RESERVED_NAME "policy_reserved_name": "Name reserved", "the trust policy defines the name none, which has a meaning of its own", "choose another name";
    POLICY_UNDEFINED_NAME "policy_undefined_name": "Name not defined", "the trust policy uses a name that no line above defines", "define it above, or correct its spelling";
    POLICY_MEMBER_TWICE "policy_member_twice": "Member twice", "a witness or group is a member more than once", "list each member once";
    POLICY_THRESHOLD "policy_threshold": "Threshold impossible", "a group's threshold is not any, all, or 1 to the number of its members", "correct the threshold";
    POLICY_TOO_MANY "policy_too_many": "Too many lines", "the trust policy holds more keys, groups or members than are read", "shorten it";
    POLICY_NO_LOG "policy_no_log": "No log line", "the trust policy lists no log, so no checkpoint could ever be believed under it", "add the line that begins with log, as the operator publishes it";
    POLICY_SECOND_QUORUM "policy_second_quorum": "Second quorum line", "the trust policy holds more than one quorum line", "keep one";
    POLICY_NO_QUORUM "policy_no_quorum": "No quorum line", "the trust policy holds no quorum line", "add one; quorum none asks for no witnesses";
}
