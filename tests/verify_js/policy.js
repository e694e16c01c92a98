/*
 * Trust policies of docs/FORMATS.md 6.8, so that verify.js can be asked about vectors that stand under one. A page
 * trusts one key, so verify.js itself reads none.
 */
"use strict";
async function parsePolicy(bytes) {
  const { Refusal, parseVkey, utf8, isSame } = globalThis.PulselogVerify;
  const [LOG, WITNESS] = [1, 4];
  const refuse = (...why) => {
    throw new Refusal(...why);
  };
  if (bytes.length > 262144) refuse("policy_too_large");
  const [logs, named, members] = [[], new Map(), new Set()];
  let quorum;
  const vkey = async (text, type, others) => {
    const key = await parseVkey(text);
    if (key.type !== type) refuse("key_type_wrong", text);
    return others.some((other) => isSame(other.key, key.key)) ? refuse("policy_duplicate_key", text) : key;
  };
  const witnesses = () => [...named.values()].filter((meaning) => meaning.key);
  const use = (name) => (named.has(name) ? name : refuse("policy_undefined_name", name));
  const define = (name, meaning) => {
    if (name === "none" || named.has(name)) refuse("policy_duplicate_name", name);
    named.set(name, meaning);
  };
  const groupOf = (count, group) => {
    for (const name of group.map(use)) members.has(name) ? refuse("policy_member_twice", name) : members.add(name);
    const need = count === "all" ? group.length : count === "any" ? 1 : /^[1-9][0-9]*$/.test(count) && Number(count);
    return need && need <= group.length ? { need, group } : refuse("policy_threshold", count);
  };
  for (const line of utf8(bytes, "policy_not_utf8").split("\n")) {
    if (/[\0-\x08\x0b-\x1f\x7f]/.test(line)) refuse("policy_control_character");
    const [keyword, ...words] = line.split(/[ \t]+/).filter(Boolean);
    const form = `${keyword} ${words.length}`;
    if (!keyword || keyword.startsWith("#")) continue;
    if (/^log [12]$/.test(form)) logs.push(await vkey(words[0], LOG, logs));
    else if (/^witness [23]$/.test(form)) define(words[0], await vkey(words[1], WITNESS, witnesses()));
    else if (keyword === "group" && words.length > 2) define(words[0], groupOf(words[1], words.slice(2)));
    else if (form === "quorum 1" && !quorum) quorum = words[0] === "none" ? "none" : use(words[0]);
    else refuse("policy_line_form", line);
  }
  const groups = named.size - witnesses().length;
  if (Math.max(logs.length, witnesses().length, groups) > 256) refuse("policy_too_many");
  if (!logs.length) refuse("policy_no_log");
  if (!quorum) refuse("policy_no_quorum");
  const isMet = (signed) => {
    const agrees = (name) => {
      const { key, need, group } = named.get(name);
      return key ? signed.has(named.get(name)) : group.filter(agrees).length >= need;
    };
    return quorum === "none" || agrees(quorum);
  };
  return { logs, witnesses: witnesses(), isMet };
}

globalThis.parsePolicy = parsePolicy;
