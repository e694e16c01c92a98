// Questions on standard input, verdicts on standard output, both as one JSON list.
"use strict";
const fs = require("node:fs");

require("../../static/verify.js");
require("./policy.js");
require("./ask.js");

answerAll(JSON.parse(fs.readFileSync(0, "utf8"))).then((answers) => process.stdout.write(JSON.stringify(answers)));
