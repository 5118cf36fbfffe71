import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLog, createRedactor, type LogOptions, type SinkRecord } from "@ballast/runtime/log";
import { createStats } from "@ballast/runtime/stats";
import fc from "fast-check";

const R = "[redacted]";
const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----";

/** Logs in every way there is, and gives all that comes out: memory, sink, lines, report, labels. */
function everything(fields: Record<string, unknown>, message = "x", options: LogOptions = {}): string {
  const out: unknown[] = [];
  const stats = createStats();
  const sink = (record: SinkRecord) => {
    const { error, ...properties } = record.properties;
    const told = error instanceof Error ? [error.message, error.stack, { ...error }, error.cause] : error;
    out.push({ ...record, properties }, told);
  };
  const labels = Object.keys(fields).filter((name) => /^[a-zA-Z]\w*$/.test(name));
  for (const logger of [sink, { debug: sink, info: sink, warn: sink, error: sink }]) {
    const lines = (line: unknown) => out.push(line);
    const target = typeof logger === "function"
      ? logger
      : { debug: lines, info: lines, warn: lines, error: lines };
    const log = createLog({ stats, logger: target, ...options });
    log.info(message, fields);
    log.begin("x.y", fields, { labels }).success();
    log.begin("x.y", {}, { labels }).failure(new Error(message, { cause: new Error(message) }), fields);
    out.push(log.snapshot(), log.report());
  }
  out.push(stats.snapshot());
  return JSON.stringify(out);
}

describe("a value that is a secret by its name", () => {
  it("is known in any case and with any separators", () => {
    const redactor = createRedactor();
    const secrets =
      "password Password dbPassword db_password passwordHash passwd pwd token access_token accessToken accesstoken " +
      "refreshTokens authorization Proxy-Authorization cookie cookies Set-Cookie secret client-secret clientSecret " +
      "api_key apiKey X-Api-Key APIKEY private.key aws_secret_access_key credentials sessionId SESSION_ID otp cvv";
    for (const name of secrets.split(" ")) assert.equal(redactor.isSecret(name, "a"), true, name);
    const others =
      "tokenizer secretary bypass compass author keyboard monkey name id option cookiecutter passenger key";
    for (const name of others.split(" ")) assert.equal(redactor.isSecret(name, "a"), false, name);
  });

  it("is none when it is a truth, or counts", () => {
    const redactor = createRedactor();
    const harmless: [string, unknown][] = [["hasToken", true], ["maxTokens", 512], ["tokenCount", 3], [
      "token",
      null,
    ]];
    for (const [name, value] of harmless) assert.equal(redactor.isSecret(name, value), false, name);
    assert.equal(redactor.isSecret("password", 1234), true);
    assert.equal(redactor.isSecret("tokens", "abc"), true);
  });

  it("comes out nowhere: not of memory, sink, line, report or label", () => {
    const secret = "hunter2xyz";
    const cases: Record<string, unknown>[] = [
      { password: secret },
      { request: { headers: { Authorization: secret } } },
      { headers: [["authorization", secret], ["accept", "text/html"]] },
      { rawHeaders: ["Cookie", secret, "Accept", "text/html"] },
      { headers: [{ name: "x-api-key", value: secret }] },
      { headers: new Headers({ "set-cookie": secret }) },
      { query: new URLSearchParams({ access_token: secret }) },
      { map: new Map([["client_secret", secret]]) },
      { deep: [{ a: { apiKey: secret } }] },
      {
        own: new (class Login {
          password = secret;
        })(),
      },
      { json: { toJSON: () => ({ token: secret }) } },
      { error: Object.assign(new Error("x"), { password: secret }) },
      { url: new URL(`https://app:${secret}@db.internal/`) },
    ];
    for (const fields of cases) {
      const all = everything(fields);
      assert.ok(!all.includes(secret), `${Object.keys(fields)[0]}: ${all.slice(0, 2000)}`);
      assert.ok(all.includes(R));
      // And it would be seen here if it did.
      assert.ok(everything(fields, "x", { redact: false }).includes(secret));
    }
  });
});

describe("a secret within a text", () => {
  const redactor = createRedactor();
  const cases: [string, string][] = [
    ["Bearer abc.def-123", `Bearer ${R}`],
    ["got header bearer mF_9.B5f-4.1JqM twice", `got header bearer ${R} twice`],
    ["Basic dXNlcjpwYXNz", `Basic ${R}`],
    ["authorization: Bearer abc, then", `authorization: Bearer ${R}, then`],
    ["Authorization: Digest username=a, response=b", `Authorization: Digest ${R}`],
    ["Cookie: a=1; b=2\nAccept: x", `Cookie: ${R}\nAccept: x`],
    [`jwt ${JWT} ok`, `jwt ${R} ok`],
    ["postgres://app:p@ss@db:5432/shop", `postgres://app:${R}@db:5432/shop`],
    ["https://ghtoken@github.com/a", `https://${R}@github.com/a`],
    ["redis://:pw@cache", `redis://:${R}@cache`],
    ["paid with 4111 1111 1111 1111.", `paid with ${R}.`],
    ["card 5500-0000-0000-0004", `card ${R}`],
    ["378282246310005", R],
    [`key:\n${PEM}\nend`, `key:\n${R}\nend`],
    [PEM.slice(0, 60), R],
    ["AKIAIOSFODNN7EXAMPLE denied", `${R} denied`],
    ["token ghp_abcdefghijklmnopqrstuvwxyz0123456789", `token ${R}`],
    ["login failed: password=hunter2 user=a", `login failed: password=${R} user=a`],
    ["GET /?access_token=abc&page=2", `GET /?access_token=${R}&page=2`],
    ['body {"clientSecret":"a b","n":1}', `body {"clientSecret":"${R}","n":1}`],
    ['body "{\\"password\\":\\"a b\\"}"', `body "{\\"password\\":\\"${R}\\"}"`],
    ["password: 'a b' given", `password: '${R}' given`],
  ];
  it("is taken out, and nothing else", () => {
    for (const [text, clean] of cases) assert.equal(redactor.text(text), clean);
  });

  it("is not seen where there is none", () => {
    const texts = [
      "ready on http://127.0.0.1:8888/ in 12 ms",
      "connect ECONNREFUSED 10.0.0.1:53",
      "2026-11-24T22:14:05.123Z",
      "1700000000000",
      "4111 1111 1111 1112",
      "123e4567-e89b-12d3-a456-426614174000",
      "the basic authentication of the bearer",
      "mail a@b.example about c:d@e",
      "max_tokens=512 hasToken=true",
      "-----BEGIN CERTIFICATE-----",
      "eyJ and AKIA and ghp_ and xoxb-",
      "a://b c@d",
      "",
    ];
    for (const text of texts) assert.equal(redactor.text(text), text);
  });

  it("comes out nowhere, be it in a message, an error, its cause, or a field", () => {
    for (const secret of [JWT, "AKIAIOSFODNN7EXAMPLE", "4111111111111111", "MIIEpAIBAAKCAQEA"]) {
      const text = secret.startsWith("MII") ? PEM : `about ${secret} here`;
      assert.ok(!everything({ text, list: [text], inner: { text } }, text).includes(secret), secret);
    }
    assert.ok(!everything({ card: 4111111111111111 }).includes("4111111111111111"));
  });

  it("is taken out before the text is cut, so that no half of it is kept", () => {
    for (const before of [460, 480, 495, 499, 2_000, 2_030, 2_047]) {
      const all = everything({}, `${" ".repeat(before)}${JWT}`);
      assert.ok(!all.includes("eyJhbGciOiJIUzI1NiJ9."), `at ${before}`);
    }
  });

  it("is found wherever it stands", () => {
    const secrets = fc.constantFrom(JWT, "AKIAIOSFODNN7EXAMPLE", "Bearer abcdefgh1", "password=hunter2", PEM);
    const around = fc.string({ maxLength: 40, unit: fc.constantFrom(..."abc xyz09.,\n/()") });
    fc.assert(fc.property(around, secrets, around, (before, secret, after) => {
      const clean = createRedactor().text(`${before} ${secret} ${after}`);
      const told = secret.slice(-7);
      assert.ok(clean.includes(R) && !clean.includes(told), clean);
    }));
  });

  it("costs work in proportion to the text, whatever is in it", () => {
    const parts = fc.constantFrom(
      ..."e eyJ eyJeyJ AKIA ghp_ bearer basic Bearer :// ://a: @ : = - 1 4111 1111- a= password= password: token=' " +
        '" \\" -----BEGIN PRIVATE KEY----- -----BEGIN -----END ----- cookie: authorization: digest \n'.split(
          " ",
        ),
      " ",
    );
    const hostile = fc.tuple(
      fc.array(parts, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 50, max: 400 }),
    )
      .map(([list, times]) => list.join("").repeat(times));
    fc.assert(
      fc.property(hostile, (text) => {
        const redactor = createRedactor();
        redactor.text(text);
        assert.ok(redactor.examined <= 12 * text.length + 600, `${redactor.examined} for ${text.length}`);
      }),
      { numRuns: 300 },
    );
  });

  it("stays out when it is redacted again", () => {
    fc.assert(fc.property(fc.string(), (text) => {
      const redactor = createRedactor();
      const once = redactor.text(text);
      assert.equal(redactor.text(once), once);
    }));
  });
});

describe("redaction", () => {
  it("takes further names, patterns and another replacement", () => {
    const redact = { keys: ["iban", /^x-internal/], patterns: [/order-\d+/], replace: "***" };
    const log = createLog({ redact });
    log.info("order-12 and order-13", { payeeIban: "DE02", "x-internal-id": "7", password: "a", id: 3 });
    const [record] = log.recent();
    assert.equal(record?.message, "*** and ***");
    assert.deepEqual(record?.fields, { payeeIban: "***", "x-internal-id": "***", password: "***", id: 3 });
    assert.equal(log.snapshot().redacted, 4);
  });

  it("can do without what is known anyway, and be turned off", () => {
    const named = createLog({ redact: { defaults: false, keys: ["pin"] } });
    named.info(JWT, { pin: 1, password: "a" });
    assert.deepEqual(named.recent()[0]?.fields, { pin: R, password: "a" });
    const off = createLog({ redact: false });
    off.info(JWT, { password: "a" });
    assert.deepEqual([off.recent()[0]?.message, off.recent()[0]?.fields], [JWT, { password: "a" }]);
  });

  it("belongs to each log: what one redacts, another does not", () => {
    const [one, other] = [createLog({ redact: { keys: ["a"] } }), createLog()];
    for (const log of [one, other]) log.info("x", { a: 1 });
    assert.deepEqual([one, other].map((log) => log.recent()[0]?.fields.a), [R, 1]);
  });

  it("leaves an error without secrets itself, and copies one with, class and stack included", () => {
    const seen: unknown[] = [];
    const log = createLog({ logger: ({ properties }: SinkRecord) => void seen.push(properties.error) });
    const clean = new RangeError("too far");
    const dirty = new RangeError("postgres://app:hunter2@db", { cause: new Error("password=hunter2") });
    log.begin("x").failure(clean);
    log.begin("x").failure(dirty);
    assert.equal(seen[0], clean);
    const copy = seen[1] as RangeError;
    assert.ok(copy instanceof RangeError && copy !== dirty && copy.name === "RangeError");
    assert.equal(copy.message, `postgres://app:${R}@db`);
    assert.equal((copy.cause as Error).message, `password=${R}`);
    assert.ok(copy.stack?.includes("redact_test") && !copy.stack.includes("hunter2"));
    assert.equal(dirty.message, "postgres://app:hunter2@db");
  });

  it("refuses options that are none", () => {
    for (const redact of [{ keys: "a" }, { keys: [1] }, { patterns: ["a"] }, { replace: 1 }]) {
      assert.throws(() => createLog({ redact: redact as never }), /^TypeError: redact\./);
    }
  });
});
