/*
 * Pulselog's second verifier: what a log says of a file, checked on the reader's own machine.
 *
 * Written from docs/FORMATS.md alone; numbers in comments are its sections. It shares nothing with the server that may
 * have sent the page, and needs WebCrypto and nothing else. It is read from the top: bytes, JSON, keys, trees, notes,
 * entries, artifacts, and last the three questions that it answers in steps.
 *
 * It checks position, signatures and bytes. It does not check members of payloads and the rules between them (5.2,
 * 5.4), nor looks for secrets (4.3), and it never judges a run: `pulselog verify` does.
 *
 * Whatever is not as the text says is refused: a function gives a value or throws a Refusal. Sizes and indexes are
 * BigInt, since a double is no 64-bit number.
 */
globalThis.PulselogVerify = (() => {
  "use strict";

  // ---- Refusals and bytes ----

  // Incomplete: nothing is wrong, but something is missing.
  class Refusal extends Error {
    constructor(code, words = "", incomplete = false) {
      super(`${code}: ${words}`);
      Object.assign(this, { code, words, incomplete });
    }
  }

  const refuse = (...why) => {
    throw new Refusal(...why);
  };

  // 8: what is longer is not read.
  const MAX = {
    artifact: 67108864, depth: 64, did: 256, entry: 65535, path: 63, text: 65536, lines: 64, signature: 8192,
    keyName: 255, proof: 872232, consistency: 784788, disclosure: 67108864,
  };
  const U64 = 1n << 64n;
  const bytesOf = (text) => new TextEncoder().encode(text);
  const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const isSame = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

  const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const joined = (...parts) => (parts.length === 1 ? parts[0] : Uint8Array.from(parts.flatMap((part) => [...part])));

  function utf8(bytes, code) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return refuse(code, "the bytes are not UTF-8");
    }
  }

  const sha = async (bits, ...parts) => new Uint8Array(await crypto.subtle.digest(`SHA-${bits}`, joined(...parts)));
  const sha256 = (...parts) => sha(256, ...parts);

  // 1.4. A browser's own atob passes over white space and bits that are left over.
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

  function decode64(text, alphabet, code) {
    const out = new Uint8Array(Math.floor((text.length * 3) / 4));
    let [held, bits, at] = [0, 0, 0];
    for (const letter of text) {
      const value = alphabet.indexOf(letter);
      if (value < 0) refuse(code, "a character that base64 does not have");
      held = ((held << 6) | value) & 0xffff;
      bits += 6;
      if (bits >= 8) out[at++] = held >> (bits -= 8);
    }
    if (bits >= 6 || held & ((1 << bits) - 1)) refuse(code, "base64 is not the one spelling of its bytes");
    return out;
  }

  const base64url = (text, code) => decode64(text, `${LETTERS}-_`, code);
  function base64(text, code) {
    if (text.length % 4) refuse(code, "base64 without its padding");
    return decode64(text.replace(/={1,2}$/, ""), `${LETTERS}+/`, code);
  }

  function hash64(text, code) {
    const hash = base64(text, code);
    return hash.length === 32 ? hash : refuse(code, "a hash has 32 bytes");
  }

  function decimal(text, code) {
    const value = /^(0|[1-9][0-9]{0,19})$/.test(text) ? BigInt(text) : U64;
    return value < U64 ? value : refuse(code, "no number below 2^64 without sign and leading zero");
  }

  // ---- 1.1 to 1.3: JSON ----

  // One walk over the text for what JSON.parse lets pass; then JSON.parse.
  function parseJson(bytes) {
    const text = utf8(bytes, "json_not_utf8");
    if (text.startsWith("\ufeff")) refuse("json_bom");
    let at = 0;
    const stop = (code = "json_syntax") => refuse(at < text.length ? code : "json_truncated", `at character ${at}`);
    // White space, then this sign if it is there.
    const has = (sign) => {
      while (at < text.length && " \t\n\r".includes(text[at])) at++;
      return text[at] === sign && Boolean(++at);
    };
    const string = () => {
      const from = at - 1;
      while (text[at] !== '"') if ((at += text[at] === "\\" ? 2 : 1) >= text.length) stop();
      let value;
      try {
        value = JSON.parse(text.slice(from, ++at));
      } catch {
        refuse("json_syntax", `in the text at character ${from}`);
      }
      return /\p{Surrogate}/u.test(value) ? refuse("json_lone_surrogate", `at character ${from}`) : value;
    };
    const number = () => {
      const spelled = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
      spelled.lastIndex = at;
      const [token] = spelled.exec(text) ?? stop();
      at += token.length;
      const value = Number(token);
      if (!Number.isFinite(value)) refuse("json_number_overflow", token);
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) refuse("json_number_unsafe", token);
      if (value === 0 && /^[^eE]*[1-9]/.test(token)) refuse("json_number_underflow", token);
    };
    const value = (depth) => {
      if (has('"')) return void string();
      const end = has("{") ? "}" : has("[") ? "]" : undefined;
      if (!end) {
        const word = ["true", "false", "null"].find((word) => text.startsWith(word, at));
        return word ? void (at += word.length) : number();
      }
      if (depth === MAX.depth) refuse("json_too_deep");
      if (has(end)) return;
      const names = new Set();
      do {
        if (end === "}") {
          const name = has('"') ? string() : stop();
          if (names.size === names.add(name).size) refuse("json_duplicate_key", name);
          if (!has(":")) stop();
        }
        value(depth + 1);
      } while (has(","));
      if (!has(end)) stop();
    };
    value(0);
    if (has("") || at < text.length) refuse("json_trailing_data", `at character ${at}`);
    return JSON.parse(text);
  }

  const compact = (value) => JSON.stringify(value);
  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const member = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

  function jcs(value) {
    if (Array.isArray(value)) return `[${value.map(jcs).join(",")}]`;
    if (!isObject(value)) return JSON.stringify(value);
    // sort() compares UTF-16 code units, as RFC 8785 asks.
    return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${jcs(value[name])}`).join(",")}}`;
  }

  // 5.4: a closed object, by its members' rules. Names with a question mark may be absent.
  function closed(object, rules) {
    if (!isObject(object)) refuse("wrong_type", "no object");
    const known = new Map(Object.entries(rules).map(([name, rule]) => [name.replace("?", ""), rule]));
    for (const [name, value] of Object.entries(object)) {
      if (!known.has(name)) refuse("unknown_field", name);
      if (!known.get(name)(value)) refuse("invalid_value", name);
    }
    for (const name of Object.keys(rules)) {
      if (!name.endsWith("?") && !Object.hasOwn(object, name)) refuse("missing_field", name);
    }
    return object;
  }

  const oneOf = (...words) => (value) => words.includes(value);
  const isText = (value) => typeof value === "string";
  const textOf = (isGood) => (value) => isText(value) && Boolean(isGood(value));
  const listOf = (least, most, isGood) => (value) =>
    Array.isArray(value) && value.length >= least && value.length <= most && value.every(isGood);
  const numberOf = (least, most) => (value) => Number.isInteger(value) && value >= least && value <= most;

  // ---- 1.8: Ed25519 ----

  // The curve -xx + yy = 1 + dxxyy modulo P; points are [X, Y, Z, T] with x = X/Z, y = Y/Z, xy = T/Z.
  const P = (1n << 255n) - 19n;
  const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;
  const mod = (a) => ((a %= P) < 0n ? a + P : a);

  function power(base, exponent) {
    let result = 1n;
    for (const bit of exponent.toString(2)) {
      result = mod(result * result);
      if (bit === "1") result = mod(result * base);
    }
    return result;
  }

  const D = mod(-121665n * power(121666n, P - 2n));
  const ROOT_OF_MINUS_1 = power(2n, (P - 1n) / 4n);
  const littleEndian = (bytes) => BigInt(`0x${hexOf(bytes.slice().reverse())}`);

  // RFC 8032 5.1.3; undefined where the bytes are not the one encoding of a point.
  function point(bytes) {
    const coded = littleEndian(bytes);
    const [sign, y] = [coded >> 255n, coded & ((1n << 255n) - 1n)];
    if (bytes.length !== 32 || y >= P) return undefined;
    const [u, v] = [mod(y * y - 1n), mod(D * y * y + 1n)];
    let x = mod(u * v ** 3n * power(mod(u * v ** 7n), (P - 5n) / 8n));
    if (mod(v * x * x) !== u) x = mod(x * ROOT_OF_MINUS_1);
    if (mod(v * x * x) !== u || (x === 0n && sign)) return undefined;
    if ((x & 1n) !== sign) x = P - x;
    return [x, y, 1n, mod(x * y)];
  }

  // One formula for every two points, equal ones too.
  function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
    const [a, b] = [mod((y1 - x1) * (y2 - x2)), mod((y1 + x1) * (y2 + x2))];
    const [c, d] = [mod(2n * D * mod(t1 * t2)), mod(2n * z1 * z2)];
    const [e, f, g, h] = [b - a, d - c, d + c, b + a];
    return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
  }

  // Eight times the point is the neutral one.
  function isSmall(point) {
    for (let times = 0; times < 3; times++) point = add(point, point);
    return point[0] === 0n && point[1] === point[2];
  }

  const BASE = point(fromHex(`58${"66".repeat(31)}`));

  // sB - kA.
  function difference(s, k, [x, y, z, t]) {
    const minus = [P - x, y, z, P - t];
    const of = [undefined, BASE, minus, add(BASE, minus)];
    let sum = [0n, 1n, 1n, 0n];
    for (let bit = 252n; bit >= 0n; bit--) {
      sum = add(sum, sum);
      const which = Number(((s >> bit) & 1n) | (((k >> bit) & 1n) << 1n));
      if (which) sum = add(sum, of[which]);
    }
    return sum;
  }

  function encoded([x, y, z]) {
    const inverse = power(z, P - 2n);
    const coded = mod(y * inverse) | ((mod(x * inverse) & 1n) << 255n);
    return fromHex(coded.toString(16).padStart(64, "0")).reverse();
  }

  function publicKey(bytes) {
    if (bytes.length !== 32) refuse("key_wrong_length");
    return isSmall(point(bytes) ?? refuse("key_not_a_point")) ? refuse("key_small_order") : bytes;
  }

  /*
   * Browsers differ: in which encodings and points of small order they take, and whether they multiply the equation by
   * the cofactor, which matters where A or R has a part of small order. So the equation is computed here, and the
   * browser's own code, written by others, must agree. It may take more than we do, and then its word does not count;
   * it can refuse nothing that holds, and a browser that does is not asked twice: no answer is given at all. To tell
   * first whether A and R have such parts would cost as much as the equation.
   */
  async function isSigned(key, message, signature) {
    if (signature.length !== 64 || key.length !== 32) return false;
    const [r, s] = [signature.slice(0, 32), littleEndian(signature.slice(32))];
    const a = point(key);
    if (!a || isSmall(a) || s >= ORDER) return false;
    const k = littleEndian(await sha(512, r, key, message)) % ORDER;
    const ours = difference(s, k, a);
    if (isSmall(ours) || !isSame(encoded(ours), r)) return false;
    const theirs = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    if (await crypto.subtle.verify({ name: "Ed25519" }, theirs, signature, message)) return true;
    return refuse("browser_disagrees", "this browser refuses a signature whose equation holds");
  }

  // Why this browser cannot check, or "".
  async function unable() {
    if (!globalThis.crypto?.subtle) return "this page did not come over https, so the browser lends it no cryptography";
    const key = crypto.subtle.importKey("raw", encoded(BASE), { name: "Ed25519" }, false, ["verify"]);
    return key.then(() => "", () => "this browser has no Ed25519");
  }

  // ---- 1.8: did:key ----

  const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

  // The 32 bytes behind 0xed 0x01; whether they are a key is asked by publicKey.
  function didKey(did, code) {
    const coded = did.startsWith("did:key:z") && did.length <= MAX.did ? did.slice(9) : refuse(code, "no did:key");
    const digit = (letter) => (BASE58.includes(letter) ? BigInt(BASE58.indexOf(letter)) : refuse(code, "no base58"));
    const number = [...coded].reduce((number, letter) => number * 58n + digit(letter), 0n);
    // 34 bytes: a leading 1 would be a zero byte before them.
    if (number >> 256n !== 0xed01n || coded.startsWith("1")) refuse(code, "no key of Ed25519");
    return fromHex(number.toString(16).slice(4));
  }

  // ---- 6.1 to 6.3: trees ----

  const leafHash = (entry) => sha256([0], entry);
  const nodeHash = (left, right) => sha256([1], left, right);

  async function treeRoot(hashes) {
    if (hashes.length < 2) return hashes[0] ?? sha256();
    let split = 1;
    while (split * 2 < hashes.length) split *= 2;
    return nodeHash(await treeRoot(hashes.slice(0, split)), await treeRoot(hashes.slice(split)));
  }

  async function checkInclusion(index, size, leaf, path, root) {
    if (index >= size) refuse("proof_index_outside_tree", `index ${index} in a tree of ${size}`);
    const apart = index ^ (size - 1n);
    const below = apart ? apart.toString(2).length : 0;
    const above = (index >> BigInt(below)).toString(2).replaceAll("0", "").length;
    if (path.length !== below + above) refuse("proof_path_length", `${path.length} hashes for ${below + above}`);
    let node = leaf;
    for (const [at, sibling] of path.entries()) {
      const isLeft = at >= below || (index >> BigInt(at)) & 1n;
      node = await (isLeft ? nodeHash(sibling, node) : nodeHash(node, sibling));
    }
    if (!isSame(node, root)) refuse("proof_root_mismatch", "the path does not lead to the root");
  }

  async function checkConsistency(from, to, path, oldRoot, newRoot) {
    if (from > to) refuse("proof_sizes_reversed", `from ${from} to ${to}`);
    if (from === 0n) refuse("proof_size_zero", "nothing is before everything");
    if (from === to) {
      if (path.length) refuse("proof_path_length", "hashes where none are needed");
      if (!isSame(oldRoot, newRoot)) refuse("proof_new_root_mismatch", "two roots of one size");
      return;
    }
    let [first, last] = [from - 1n, to - 1n];
    while (first & 1n) [first, last] = [first >> 1n, last >> 1n];
    // A power of two is a node of the newer tree: its root is where the path begins.
    const hashes = first ? [...path] : [oldRoot, ...path];
    let older = hashes.shift() ?? refuse("proof_path_length");
    let newer = older;
    for (const hash of hashes) {
      if (!last) refuse("proof_path_length", "more hashes than needed");
      if (first & 1n || first === last) {
        [older, newer] = [await nodeHash(hash, older), await nodeHash(hash, newer)];
        while (first && !(first & 1n)) [first, last] = [first >> 1n, last >> 1n];
      } else newer = await nodeHash(newer, hash);
      [first, last] = [first >> 1n, last >> 1n];
    }
    if (last) refuse("proof_path_length", "fewer hashes than needed");
    if (!isSame(older, oldRoot)) refuse("proof_old_root_mismatch", "the path does not lead to the older root");
    if (!isSame(newer, newRoot)) refuse("proof_new_root_mismatch", "the path does not lead to the newer root");
  }

  // ---- 6.4 to 6.7: notes, keys, checkpoints ----

  const [LOG, WITNESS] = [1, 4];

  function keyName(name, code) {
    const isName = /^[^\p{White_Space}\p{Cc}+]+$/u.test(name) && bytesOf(name).length <= MAX.keyName;
    return isName ? name : refuse(code, "no name of a key");
  }

  async function parseVkey(text) {
    const [, name, id, coded] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text) ?? refuse("vkey_invalid");
    const [type, ...key] = base64(coded, "vkey_invalid");
    if (type !== LOG && type !== WITNESS) refuse("key_type_unknown");
    const made = await sha256(bytesOf(`${keyName(name, "key_name_invalid")}\n`), [type], key);
    if (hexOf(made.slice(0, 4)) !== id) refuse("key_id_mismatch");
    return { name, id, type, key: publicKey(Uint8Array.from(key)) };
  }

  function parseNote(bytes) {
    const note = utf8(bytes, "note_not_utf8");
    const end = note.lastIndexOf("\n\n");
    if (end < 0) refuse("note_no_empty_line");
    if (!note.endsWith("\n")) refuse("note_no_final_newline");
    const text = note.slice(0, end + 1);
    if (/[\0-\x09\x0b-\x1f]/.test(text)) refuse("note_control_character");
    if (bytesOf(text).length > MAX.text) refuse("note_too_large");
    if (end + 2 === note.length) refuse("note_no_signature");
    const lines = note.slice(end + 2, -1).split("\n").map((line) => {
      const [, name, coded] = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line) ?? refuse("note_signature_line", line);
      const signed = base64(coded, "note_signature_line");
      if (signed.length <= 4) refuse("note_signature_line", "no signature behind the key id");
      if (signed.length > 4 + MAX.signature) refuse("note_too_large", `the signature of ${name}`);
      return { name: keyName(name, "note_signature_line"), id: hexOf(signed.slice(0, 4)), signature: signed.slice(4) };
    });
    return lines.length > MAX.lines ? refuse("note_too_many_signatures") : { text, lines };
  }

  async function parseCheckpoint(text) {
    const [origin, size, hash, ...rest] = text.slice(0, -1).split("\n");
    if (hash === undefined) refuse("checkpoint_lines", "a checkpoint has three lines");
    if (rest.length) refuse("extension_line");
    const root = hash64(hash, "checkpoint_root");
    const head = { origin: keyName(origin, "checkpoint_origin"), size: decimal(size, "checkpoint_size"), root };
    return head.size || isSame(root, await sha256()) ? head : refuse("checkpoint_empty_root");
  }

  // Whether a line of this key signs the text; of a witness, also when.
  async function verifyLine({ type, key }, signature, text) {
    if (type === LOG) return { valid: await isSigned(key, bytesOf(text), signature) };
    if (signature.length !== 72) refuse("cosignature_length");
    const time = BigInt(`0x${hexOf(signature.slice(0, 8))}`);
    if (time < 1n || time >= U64 / 2n) refuse("cosignature_time");
    const signed = bytesOf(`cosignature/v1\ntime ${time}\n${text}`);
    return { valid: await isSigned(key, signed, signature.slice(8)), time };
  }

  // Trust in one log's key, whoever cosigns. Of 6.8 this is the policy "log VKEY, quorum none".
  async function trustIn(vkey) {
    const key = await parseVkey(vkey);
    return { logs: key.type === LOG ? [key] : refuse("key_type_wrong", vkey), witnesses: [], isMet: () => true };
  }

  /*
   * A checkpoint that the reader's trust believes: the keys of logs and of witnesses, and whether those that signed are
   * enough. Every line of a known key must verify; lines of others count for nothing.
   */
  async function believe(note, { logs, witnesses, isMet }) {
    const { text, lines } = parseNote(note);
    const head = await parseCheckpoint(text);
    const [signed, times] = [new Set(), new Map()];
    for (const { name, id, signature } of lines) {
      for (const key of [...logs, ...witnesses]) {
        if (key.name !== name || key.id !== id) continue;
        const { valid, time } = await verifyLine(key, signature, text);
        if (!valid) refuse("note_signature_invalid", `the line of ${name}`);
        if (time > (times.get(name) ?? 0n)) times.set(name, time);
        signed.add(key);
      }
    }
    const named = logs.filter((log) => log.name === head.origin);
    // Nothing is said against a log that the reader does not know.
    if (!named.some((log) => signed.has(log))) refuse("log_unknown", head.origin, !named.length);
    return isMet(signed) ? { ...head, cosigned: times } : refuse("quorum_unmet");
  }

  // ---- 7.1, 7.2: proofs in files ----

  // The number in the first line behind a word, the hashes below it, and the note behind the first empty line.
  function numberAndPath(lines, word, code) {
    const line = lines.shift();
    if (!line?.startsWith(`${word} `)) refuse("receipt_lines", `no line "${word} N"`);
    if (lines.length > MAX.path) refuse("receipt_path_too_long");
    return [decimal(line.slice(word.length + 1), code), lines.map((hash) => hash64(hash, "receipt_hash"))];
  }

  function linesAndNote(bytes, most) {
    const text = bytes.length > most ? refuse("receipt_too_large") : utf8(bytes, "receipt_not_utf8");
    const end = text.indexOf("\n\n");
    return [text.slice(0, end).split("\n"), end < 0 ? refuse("receipt_lines") : bytesOf(text.slice(end + 2))];
  }

  function parseProof(bytes) {
    const [lines, note] = linesAndNote(bytes, MAX.proof);
    if (lines.shift() !== "c2sp.org/tlog-proof@v1") refuse("receipt_lines", "no tlog-proof of version 1");
    const extra = lines[0]?.startsWith("extra ") ? base64(lines.shift().slice(6), "receipt_extra") : new Uint8Array();
    if (extra.length > MAX.entry) refuse("receipt_extra");
    const [index, path] = numberAndPath(lines, "index", "receipt_index");
    return { extra, index, path, note };
  }

  function parseConsistency(bytes) {
    const [lines, note] = linesAndNote(bytes, MAX.consistency);
    const [old, path] = numberAndPath(lines, "old", "receipt_old_size");
    return { old, path, note };
  }

  // ---- 5.1: kinds ----

  const BARE = ["trust_pulse", "argocd_observation", "argocd_snapshot"];
  // The arrays of 3.4 in the order of the root, each with the kind that its elements expand to.
  const ARRAYS = {
    receipts: "gateway_receipt", tool_receipts: "tool_receipt", side_effect_receipts: "side_effect_receipt",
    human_approval_receipts: "human_approval_receipt", delegation_receipts: "delegation_receipt",
    vir_receipts: undefined, web_receipts: undefined,
  };
  // Forms of payloads: version member, its value, version of the envelope.
  const FORMS = new Map();
  const form = (kind, ...versions) => FORMS.set(kind, [...(FORMS.get(kind) ?? []), versions]);
  const OTHERS = "cst_issuance cst_revocation approval argocd_decision argocd_receipt change_record audit_roots " +
    "audit_statement withholding";
  for (const kind of [...OTHERS.split(" "), ...BARE]) form(kind, `${kind}_version`, "1", "1");
  for (const kind of Object.values(ARRAYS)) if (kind) form(kind, "receipt_version", "1", "1");
  form("tool_receipt", "receipt_version", "2", "2");
  form("argocd_observation", "argocd_observation_version", "2", "1");
  form("proof_bundle", "bundle_version", "1", "1");
  form("work_policy", "wpc_version", "v1", "1");
  form("work_policy", "policy_version", "1", "1");
  form("work_policy", "policy_version", "2", "1");

  // ---- 1.9, 3: entries and receipts roots ----

  // A head of CBOR in its shortest form.
  function cborHead(major, value) {
    const number = BigInt(value);
    if (number < 24n) return Uint8Array.of((major << 5) | Number(number));
    const power = [8n, 16n, 32n, 64n].findIndex((bits) => number < 1n << bits);
    return joined([(major << 5) | (24 + power)], fromHex(number.toString(16).padStart(2 << power, "0")));
  }

  const cborBytes = (bytes) => joined(cborHead(2, bytes.length), bytes);
  const cborText = (text) => joined(cborHead(3, bytesOf(text).length), bytesOf(text));

  // What cborHead and its like would write, read back: anything else is refused.
  function cborReader(bytes) {
    let at = 0;
    const take = (count) =>
      at + count > bytes.length ? refuse("entry_cbor", "the entry ends too early") : bytes.slice(at, (at += count));
    const head = (major) => {
      const [from, low] = [at, take(1)[0] & 31];
      if (bytes[from] >> 5 !== major || low > 27) refuse("entry_cbor", `another value at byte ${from}`);
      const value = low < 24 ? BigInt(low) : BigInt(`0x${hexOf(take(1 << (low - 24)))}`);
      const isShortest = isSame(bytes.slice(from, at), cborHead(major, value));
      return isShortest ? value : refuse("entry_not_deterministic", `a long head at byte ${from}`);
    };
    const sized = (major) => take(Number(head(major)));
    return {
      head, number: () => head(0), text: () => utf8(sized(3), "entry_cbor"), isAtEnd: () => at === bytes.length,
      hash: () => [sized(2)].find((hash) => hash.length === 32) ?? refuse("entry_hash_length"),
    };
  }

  function parseEntry(bytes) {
    const first = bytes.length > MAX.entry ? refuse("entry_too_long") : bytes[0];
    if (first === 0xd2) refuse("entry_cose_reserved");
    if (!(first >= 0xa0 && first <= 0xbb)) refuse("entry_unknown_form");
    const cbor = cborReader(bytes);
    const members = [
      ["version", cbor.number], ["kind", cbor.text], ["digest", cbor.hash], ["length", cbor.number],
      ["signer", cbor.text], ["submitter", cbor.text], ["loggedAt", cbor.number], ["receiptsRoot", cbor.hash],
      ["receipts", cbor.number],
    ];
    const entry = {};
    for (let [left, before] = [cbor.head(5), 0n]; left > 0n; left--) {
      const key = cbor.number();
      if (key <= before) refuse("entry_not_deterministic", "keys that do not ascend");
      const [name, read] = members[Number((before = key)) - 1] ?? refuse("entry_unknown_key", String(key));
      entry[name] = read();
    }
    if (!cbor.isAtEnd()) refuse("entry_not_deterministic", "bytes behind the entry");
    for (const name of ["version", "kind", "digest", "length", "submitter", "loggedAt"]) {
      if (entry[name] === undefined) refuse("entry_missing_key", name);
    }
    if (entry.version !== 1n) refuse("entry_unknown_version");
    if (!FORMS.has(entry.kind)) refuse("entry_unknown_kind", entry.kind);
    if (entry.signer !== undefined) didKey(entry.signer, "entry_signer");
    if (!/^[a-z0-9._-]{1,64}$/.test(entry.submitter)) refuse("submitter_name");
    if (!entry.receiptsRoot !== !entry.receipts) refuse("entry_missing_key", "receipts root and count go together");
    if (entry.receipts && entry.kind !== "proof_bundle") refuse("entry_unknown_key", "receipts of another kind");
    return entry;
  }

  async function receiptLeaf(array, index, receipt) {
    const digest = await sha256(bytesOf(compact(receipt)));
    return leafHash(joined(cborHead(4, 3), cborText(array), cborHead(0, index), cborBytes(digest)));
  }

  // Root and number of the receipts of a bundle's payload; no root where there are none.
  async function receiptsRoot(payload) {
    const leaves = [];
    for (const array of Object.keys(ARRAYS)) {
      const receipts = member(payload, array);
      if (!Array.isArray(receipts)) continue;
      for (const [index, receipt] of receipts.entries()) leaves.push(await receiptLeaf(array, index, receipt));
    }
    return { count: leaves.length, root: leaves.length ? await treeRoot(leaves) : undefined };
  }

  // ---- 2, 4: artifacts ----

  const DAY_AND_TIME =
    /^(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3])(:[0-5]\d){2}(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

  // 1.7, `peer_time`. A Date would read years below 100 as others.
  const isTime = textOf((text) => {
    const [, year, month, day] = (text.length <= 35 && DAY_AND_TIME.exec(text)) || [];
    const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
    return day >= 1 && day <= [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  });
  const isDid = textOf((text) => text.length <= MAX.did && /^did:[a-z0-9]+:[A-Za-z0-9._%:-]+$/.test(text));
  const coded = (length) => textOf((text) => text.length === length && base64url(text, "base64url_not_canonical"));

  // 4.1 step 4: the kind, and whether it comes in an envelope.
  function kindOf(artifact) {
    if (!isObject(artifact)) refuse("unknown_kind", "no object");
    const type = (kind) => (kind === "work_policy" ? "work_policy_contract" : kind);
    if (Object.hasOwn(artifact, "envelope_type")) {
      const kind = [...FORMS.keys()].find((kind) => type(kind) === artifact.envelope_type);
      return { kind: kind ?? refuse("unknown_kind", String(artifact.envelope_type)), isBare: false };
    }
    const isHalf = ["envelope_version", "signature_b64u"].some((name) => Object.hasOwn(artifact, name));
    if (isHalf) refuse("missing_field", "envelope_type");
    const kind = BARE.find((kind) => Object.hasOwn(artifact, `${kind}_version`));
    return { kind: kind ?? refuse("unknown_kind", "no version of a payload that may be unsigned"), isBare: true };
  }

  // 4.1 step 7: the payload is of a form that comes in an envelope of this version.
  function checkVersion(kind, payload, version) {
    if (!isObject(payload)) refuse("wrong_type", "payload");
    const form = FORMS.get(kind).find(([name, value]) => member(payload, name) === value) ?? refuse("unknown_version");
    if (version !== undefined && form[2] !== version) refuse("unknown_version", "in an envelope of another version");
  }

  // 2.1, 2.4.
  function checkEnvelope(kind, envelope) {
    const signature = { signature_b64u: coded(86), algorithm: oneOf("Ed25519"), signer_did: isDid, issued_at: isTime };
    const role = oneOf("proxy", "approver", "auditor", "supervisor");
    const isCoSignature = (other) => Boolean(closed(other, { ...signature, role }));
    closed(envelope, {
      ...signature, envelope_version: isText, envelope_type: isText, payload: isObject, payload_hash_b64u: coded(43),
      hash_algorithm: oneOf("SHA-256"), ...(kind !== "work_policy" && { "expires_at?": isTime }),
      ...(envelope.envelope_version === "2" && { "co_signatures?": listOf(0, 16, isCoSignature) }),
    });
  }

  // 4.4 as far as an envelope goes: form, payload hash, signatures. Gives the kind and who signed.
  async function checkArtifact(artifact) {
    const { kind, isBare } = kindOf(artifact);
    if (isBare) checkVersion(kind, artifact, undefined);
    if (isBare) return { kind, signer: undefined, payload: artifact };
    const { envelope_version: version, payload, algorithm, hash_algorithm: hashing } = artifact;
    checkVersion(kind, payload, version ?? refuse("missing_field", "envelope_version"));
    if (algorithm !== "Ed25519") refuse("unknown_algorithm", String(algorithm));
    if (hashing !== "SHA-256") refuse("unknown_hash_algorithm", String(hashing));
    checkEnvelope(kind, artifact);
    // 2.2, 2.3: the payload's hash, and a signature over its 43 characters.
    const hash = await sha256(bytesOf(kind === "work_policy" ? jcs(payload) : compact(payload)));
    if (!isSame(hash, base64url(artifact.payload_hash_b64u))) refuse("hash_mismatch", "the payload has another hash");
    for (const { signer_did: did, signature_b64u: signature, role } of [artifact, ...(artifact.co_signatures ?? [])]) {
      const key = publicKey(didKey(did, "invalid_did"));
      const signed = await isSigned(key, bytesOf(artifact.payload_hash_b64u), base64url(signature));
      if (!signed) refuse(role ? "co_signature_invalid" : "signature_invalid", `not signed by ${did}`);
    }
    return { kind, signer: artifact.signer_did, payload };
  }

  // ---- Questions, answered in steps ----

  /*
   * Every step stands in the report from the start, "not checked"; the first that does not pass ends the check, so what
   * comes behind it stays so. A report passes when all its steps passed, and whatever else is thrown fails it too.
   */
  async function inSteps(names, work) {
    const steps = names.split(", ").map((name) => ({ name, outcome: "not checked", code: "", words: "" }));
    const step = async (name, check, words) => {
      const row = steps.find((row) => row.name === name) ?? { name };
      if (!row.outcome) steps.push(row);
      try {
        const value = await check();
        Object.assign(row, { outcome: "passed", code: "ok", words: words(value) });
        return value;
      } catch (error) {
        const { code = "internal", words: why = String(error), incomplete } = error;
        Object.assign(row, { outcome: incomplete ? "incomplete" : "failed", code, words: why });
        throw error;
      }
    };
    const first = (outcome) => steps.find((row) => row.outcome === outcome);
    try {
      await work(step);
    } catch (error) {
      // Steps have said what they threw; anything else is a fault of this file.
      const isSaid = first("failed") ?? first("incomplete");
      if (!isSaid) steps.push({ name: "check", outcome: "failed", code: "internal", words: String(error) });
    }
    const passed = { outcome: "passed", code: "ok" };
    const { outcome, code } = first("failed") ?? first("incomplete") ?? first("not checked") ?? passed;
    return { outcome, code, steps };
  }

  // 7.5 up to the inclusion: the entry that a proof proves.
  async function provenEntry(step, proof, trust) {
    const file = await step("proof", () => parseProof(proof), ({ path }) =>
      `The proof is well-formed and has ${path.length} hashes.`);
    const head = await step("checkpoint", () => believe(file.note, trust), ({ origin, size, cosigned }) =>
      `${origin} signed a tree of ${size} entries; ${cosigned.size} known witness(es) cosigned.`);
    const entry = await step("entry", () => (file.extra.length ? parseEntry(file.extra) : refuse("entry_missing")),
      ({ kind, submitter }) => `The entry is of a ${kind} that ${submitter} submitted.`);
    await step("inclusion", async () =>
      checkInclusion(file.index, head.size, await leafHash(file.extra), file.path, head.root),
    () => `The entry is number ${file.index} of that tree.`);
    return { entry, head, index: file.index };
  }

  // 7.5. The artifact's bytes may be undefined: then the check ends behind the inclusion, incomplete.
  async function verifyArtifact(artifact, proof, trust) {
    const names = "proof, checkpoint, entry, inclusion, artifact, digest, signature, entry match, receipts";
    return inSteps(names, async (step) => {
      const { entry } = await provenEntry(step, proof, trust);
      const value = await step("artifact", () => {
        if (!artifact) refuse("body_not_shown", "the artifact itself is not here", true);
        return artifact.length > MAX.artifact ? refuse("artifact_too_large") : parseJson(artifact);
      }, () => "The artifact is strict JSON.");
      const body = bytesOf(compact(value));
      await step("digest", async () => {
        if (!isSame(await sha256(body), entry.digest)) refuse("digest_mismatch", "the entry is of another artifact");
        if (BigInt(body.length) !== entry.length) refuse("length_mismatch");
      }, () => `Its ${body.length} bytes in compact form have the digest ${hexOf(entry.digest)}.`);
      const { kind, signer, payload } = await step("signature", () => checkArtifact(value), ({ signer }) =>
        signer ? `Its payload is signed by ${signer}.` : "It is unsigned, the word of its submitter.");
      await step("entry match", () => {
        if (kind !== entry.kind) refuse("kind_mismatch", `${kind} in the artifact, ${entry.kind} in the entry`);
        if (signer !== entry.signer) refuse("signer_mismatch");
      }, () => "Kind and signer are those of the entry.");
      await step("receipts", async () => {
        const { root, count } = kind === "proof_bundle" ? await receiptsRoot(payload) : { count: 0 };
        const isSameCount = BigInt(count) === (entry.receipts ?? 0n);
        if (!isSameCount || (root && !isSame(root, entry.receiptsRoot))) refuse("receipts_root_mismatch");
        return count;
      }, (count) => (count ? `Its ${count} receipts are those of the entry.` : "Neither it nor the entry has any."));
    });
  }

  // 7.2. An older checkpoint, and a consistency file that leads from it to a newer one.
  async function verifyConsistency(older, file, trust) {
    return inSteps("older checkpoint, file, newer checkpoint, consistency", async (step) => {
      const signed = ({ origin, size }) => `${origin} signed a tree of ${size} entries.`;
      const old = await step("older checkpoint", () => believe(older, trust), signed);
      const read = await step("file", () => parseConsistency(file), () => "The consistency file is well-formed.");
      const head = await step("newer checkpoint", () => believe(read.note, trust), signed);
      await step("consistency", async () => {
        if (head.origin !== old.origin) refuse("other_origin", `${old.origin} and ${head.origin}`);
        if (read.old !== old.size) refuse("receipt_other_old_size", `from ${read.old}, not from ${old.size}`);
        // 6.3: every checkpoint extends one of size 0.
        if (old.size) await checkConsistency(old.size, head.size, read.path, old.root, head.root);
        else if (read.path.length) refuse("proof_path_length", "hashes where none are needed");
      }, () => `The tree of ${head.size} begins with all ${old.size} entries of the older one.`);
    });
  }

  // 7.3 and its schema: the receipts of a disclosure in the order of the root.
  function parseDisclosure(bytes) {
    const file = bytes.length > MAX.disclosure ? refuse("artifact_too_large") : parseJson(bytes);
    const isHash = textOf((text) => /^[0-9a-f]{64}$/.test(text));
    const isShown = (shown) => Boolean(closed(shown, {
      array: oneOf(...Object.keys(ARRAYS)), index: numberOf(0, 999), leaf_index: numberOf(0, 6999),
      count: numberOf(1, 7000), path: listOf(0, 13, isHash), receipt: isObject,
    }));
    closed(file, { disclosure_version: oneOf("1"), proof: isText, receipts: listOf(1, 7000, isShown) });
    let before = { leaf_index: -1, place: -1 };
    for (const { array, index, leaf_index } of file.receipts) {
      const place = Object.keys(ARRAYS).indexOf(array) * 1000 + index;
      if (leaf_index <= before.leaf_index || place <= before.place || index > leaf_index) refuse("disclosure_order");
      before = { leaf_index, place };
    }
    return file;
  }

  // One shown receipt: its place in the bundle, then who wrote it.
  async function checkShown(shown, entry) {
    const { array, index, leaf_index: at, count, path, receipt } = shown;
    if (BigInt(count) !== entry.receipts) refuse("disclosure_count");
    const leaf = await receiptLeaf(array, index, receipt);
    await checkInclusion(BigInt(at), BigInt(count), leaf, path.map(fromHex), entry.receiptsRoot);
    if (!ARRAYS[array]) refuse("receipt_not_judged", `${array} are not judged here`, true);
    const isEnveloped = ["envelope_type", "envelope_version"].some((name) => Object.hasOwn(receipt, name));
    if (!isEnveloped) refuse("receipt_without_envelope", "it is the bundle's own word", true);
    const { kind, signer } = await checkArtifact(receipt);
    if (kind !== ARRAYS[array]) refuse("kind_not_expandable", `${kind} in ${array}`);
    return signer;
  }

  // 7.3.
  async function verifyDisclosure(bytes, trust) {
    return inSteps("disclosure, proof, checkpoint, entry, inclusion, receipts root", async (step) => {
      const file = await step("disclosure", () => parseDisclosure(bytes), ({ receipts }) =>
        `The file shows ${receipts.length} receipt(s).`);
      const { entry } = await provenEntry(step, bytesOf(file.proof), trust);
      await step("receipts root", () => entry.receiptsRoot ?? refuse("disclosure_no_receipts_root"), () =>
        `The entry commits to ${entry.receipts} receipts.`);
      for (const shown of file.receipts) {
        const name = `${shown.array}[${shown.index}]`;
        await step(name, () => checkShown(shown, entry), (signer) =>
          `${name} is a receipt of the bundle, signed by ${signer}.`).catch((error) => {
          if (!error.incomplete) throw error;
        });
      }
    });
  }

  return Object.freeze({
    Refusal, unable, verifyArtifact, verifyConsistency, verifyDisclosure,
    parseJson, compact, jcs, base64, base64url, sha256, leafHash, treeRoot, checkInclusion, checkConsistency,
    isSigned, publicKey, didKey, parseVkey, trustIn, parseNote, believe, parseProof, parseConsistency,
    parseEntry, receiptsRoot, checkArtifact, isTime, hexOf, fromHex, bytesOf, utf8, isSame,
  });
})();
