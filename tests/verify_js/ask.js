/*
 * Asks static/verify.js one question of a list after the other, and gives its verdicts: `ok`, what was read, and
 * beside a refusal its code. Runs in Node (node.js beside it) and in a browser, behind verify.js and policy.js. Bytes
 * are hex, 64-bit numbers decimal texts.
 */
globalThis.answerAll = async (questions) => {
  "use strict";
  const V = globalThis.PulselogVerify;
  const bytes = (hex) => V.fromHex(hex);
  const hashes = (list) => list.map(bytes);
  const report = ({ outcome, code }) => ({ ok: outcome === "passed", outcome, code });

  const asks = {
    json: ({ hex }) => [V.parseJson(bytes(hex))].map((value) => ({ compact: V.compact(value), jcs: V.jcs(value) }))[0],
    base64: ({ text }) => ({ hex: V.hexOf(V.base64(text, "base64")) }),
    base64url: ({ text }) => ({ hex: V.hexOf(V.base64url(text, "base64url")) }),
    did: ({ did }) => ({ hex: V.hexOf(V.publicKey(V.didKey(did, "invalid_did"))) }),
    vkey: async ({ vkey }) => {
      const { name, id, type, key } = await V.parseVkey(vkey);
      return { name, id, type, hex: V.hexOf(key) };
    },
    time: ({ text }) => ({ ok: V.isTime(text) }),
    signature: async ({ key, message, signature }) => {
      try {
        return { ok: await V.isSigned(bytes(key), bytes(message), bytes(signature)) };
      } catch (error) {
        if (error.code !== "browser_disagrees") throw error;
        return { ok: false, disagrees: true };
      }
    },
    // From here on the browser's own code takes every key, and every signature or none.
    browser: ({ takes }) => {
      crypto.subtle.importKey = async () => ({});
      crypto.subtle.verify = async () => takes;
      return {};
    },
    leaf: async ({ hex }) => ({ hash: V.hexOf(await V.leafHash(bytes(hex))) }),
    root: async ({ leaves }) => ({ root: V.hexOf(await V.treeRoot(hashes(leaves))) }),
    inclusion: async ({ index, size, leaf, path, root }) => {
      await V.checkInclusion(BigInt(index), BigInt(size), bytes(leaf), hashes(path), bytes(root));
      return {};
    },
    consistency: async ({ from, to, path, old, new: newer }) => {
      await V.checkConsistency(BigInt(from), BigInt(to), hashes(path), bytes(old), bytes(newer));
      return {};
    },
    note: async ({ note, policy }) => {
      const { origin, size, root, cosigned } = await V.believe(bytes(note), await parsePolicy(bytes(policy)));
      const witnesses = [...cosigned].map(([name, time]) => [name, String(time)]).sort();
      return { origin, size: String(size), root: V.hexOf(root), witnesses };
    },
    lines: ({ note }) => {
      const { text, lines } = V.parseNote(bytes(note));
      return { text, lines: lines.map(({ name, id, signature }) => [name, id, V.hexOf(signature)]) };
    },
    policy: async ({ policy }) => ({ logs: (await parsePolicy(bytes(policy))).logs.length }),
    entry: ({ hex }) => {
      const { kind, digest, length, signer, submitter, loggedAt, receiptsRoot, receipts } = V.parseEntry(bytes(hex));
      return {
        kind, digest: V.hexOf(digest), length: String(length), signer: signer ?? null, submitter,
        logged_at: String(loggedAt), root: receiptsRoot ? V.hexOf(receiptsRoot) : null,
        receipts: receipts === undefined ? null : String(receipts),
      };
    },
    receipts: async ({ hex }) => {
      const { count, root } = await V.receiptsRoot(V.parseJson(bytes(hex)).payload);
      return { count, root: root ? V.hexOf(root) : null };
    },
    artifact: async ({ hex }) => {
      const { kind, signer } = await V.checkArtifact(V.parseJson(bytes(hex)));
      return { kind, signer: signer ?? null };
    },
    proof: async ({ artifact, proof, policy }) =>
      report(await V.verifyArtifact(artifact === null ? undefined : bytes(artifact), bytes(proof),
        await parsePolicy(bytes(policy)))),
    extends: async ({ older, file, policy }) => {
      const trust = await parsePolicy(bytes(policy));
      const { outcome, code } = await V.verifyConsistency(bytes(older), bytes(file), trust);
      return { ok: outcome === "passed", code };
    },
    disclosure: async ({ file, policy }) =>
      report(await V.verifyDisclosure(bytes(file), await parsePolicy(bytes(policy)))),
  };

  const answers = [];
  for (const question of questions) {
    try {
      answers.push({ ok: true, ...(await asks[question.ask](question)) });
    } catch (error) {
      // What is no Refusal is a fault of verify.js or of this file, and no verdict.
      if (!(error instanceof V.Refusal)) throw error;
      answers.push({ ok: false, code: error.code });
    }
  }
  return answers;
};
