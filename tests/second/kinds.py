"""The table of kinds (FORMATS 5.1) and the arrays of receipts (3.4)."""

# kind: envelope_type, forms [(member, value, envelope, retired)], hash form, bare, withheld, array
TABLE = """
gateway_receipt gateway_receipt receipt_version/1/1 compact - yes receipts
tool_receipt tool_receipt receipt_version/1/1,receipt_version/2/2 compact - yes tool_receipts
side_effect_receipt side_effect_receipt receipt_version/1/1 compact - yes side_effect_receipts
human_approval_receipt human_approval_receipt receipt_version/1/1 compact - yes human_approval_receipts
delegation_receipt delegation_receipt receipt_version/1/1 compact - yes delegation_receipts
proof_bundle proof_bundle bundle_version/1/1 compact - yes -
work_policy work_policy_contract wpc_version/v1/1,policy_version/1/1,policy_version/2/1 jcs - - -
trust_pulse trust_pulse trust_pulse_version/1/1 compact yes yes -
cst_issuance cst_issuance cst_issuance_version/1/1 compact - - -
cst_revocation cst_revocation cst_revocation_version/1/1 compact - - -
approval approval approval_version/1/1 compact - - -
argocd_decision argocd_decision argocd_decision_version/1/1 compact - - -
argocd_receipt argocd_receipt argocd_receipt_version/1/1 compact - - -
change_record change_record change_record_version/1/1 compact - yes -
audit_roots audit_roots audit_roots_version/1/1 compact - - -
audit_statement audit_statement audit_statement_version/1/1 compact - - -
withholding withholding withholding_version/1/1 compact - - -
argocd_observation argocd_observation argocd_observation_version/2/1,argocd_observation_version/1/1/retired compact yes yes -
argocd_snapshot argocd_snapshot argocd_snapshot_version/1/1 compact yes yes -
"""


def read_table():
    kinds = {}
    for line in TABLE.split("\n"):
        if line:
            kind, envelope, forms, form, bare, withheld, array = line.split()
            kinds[kind] = {"envelope_type": envelope, "forms": [f.split("/") for f in forms.split(",")],
                           "hash_form": form, "bare": bare == "yes", "withheld": withheld == "yes", "array": array}
    return kinds


KINDS = read_table()
ARRAYS = ["receipts", "tool_receipts", "side_effect_receipts", "human_approval_receipts",
          "delegation_receipts", "vir_receipts", "web_receipts"]
