import assert from "node:assert/strict";
import { test } from "node:test";
import { createContext, defineConfig } from "@ballast/runtime/context";
import fc from "fast-check";

const SCHEMA = {
  port: {
    type: "number",
    default: 8888,
    min: 0,
    max: 65_535,
    env: "PORT",
    shown: true,
    about: "where it listens",
  },
  verbose: { type: "boolean", default: false, env: "VERBOSE", shown: true },
  region: { type: "string", oneOf: ["eu", "us"], optional: true, shown: true },
  databaseUrl: { type: "string", env: "DATABASE_URL" },
} as const;
const SECRET = "postgres://shop:hunter2@db";

test("the program wins over the environment, and that over the default", () => {
  const env = { PORT: "9000", VERBOSE: "yes", DATABASE_URL: SECRET, PATH: "/bin" };
  const { values, listing } = defineConfig(SCHEMA, { given: { port: 7000 }, env });
  const port: number = values.port;
  const region: string | undefined = values.region;
  assert.deepEqual([port, region], [7000, undefined]);
  assert.deepEqual(values, { port: 7000, verbose: true, region: undefined, databaseUrl: SECRET });
  assert.deepEqual(listing.map(({ name, source, value, hidden }) => [name, source, value, hidden]), [
    ["port", "given", 7000, false],
    ["verbose", "environment", true, false],
    ["region", "unset", undefined, false],
    ["databaseUrl", "environment", undefined, true],
  ]);
  assert.ok(!JSON.stringify(listing).includes("hunter2"));
  assert.throws(() => (values as { port: number }).port = 1, TypeError);
});

test("a variable that is empty is not set", () => {
  const { values, listing } = defineConfig(SCHEMA, { env: { PORT: "", DATABASE_URL: SECRET } });
  assert.equal(values.port, 8888);
  assert.equal(listing[0]!.source, "default");
});

test("all that is wrong is told at once, and no secret in it", () => {
  const schema = { ...SCHEMA, token: { type: "number", env: "TOKEN" } } as const;
  assert.throws(
    () =>
      defineConfig(schema, { given: { prot: 1, region: "mars" }, env: { PORT: "70000", TOKEN: "hunter2" } }),
    (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, /prot is no setting, wanted one of port, verbose/);
      assert.match(error.message, /PORT \(port\) must be a number from 0 to 65535, got 70000/);
      assert.match(error.message, /region must be one of "eu", "us", got "mars"/);
      assert.match(error.message, /databaseUrl is not set, nor is DATABASE_URL in the environment/);
      assert.match(error.message, /TOKEN \(token\) must be a number, got something else \(not shown\)/);
      assert.ok(!error.message.includes("hunter2"));
      return true;
    },
  );
});

test("a secret number out of its bounds is refused without being shown", () => {
  assert.throws(
    () => defineConfig({ pin: { type: "number", max: 9 } }, { given: { pin: 4711 } }),
    (error: Error) =>
      /pin must be a number from -Infinity to 9/.test(error.message) && !/4711/.test(error.message),
  );
});

test("a number of the environment is read as JavaScript writes it, and no other text is one", () => {
  const read = (text: string) =>
    defineConfig({ n: { type: "number", env: "N" } }, { env: { N: text } }).values.n;
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => {
    assert.equal(read(String(n)), Object.is(n, -0) ? 0 : n);
  }));
  for (const text of ["10 apples", "0x10", "1_000", "ten", " ", "Infinity", "NaN", "1,5"]) {
    assert.throws(() => read(text), TypeError, text);
  }
});

test("names of objects in general are no settings and no values", () => {
  assert.throws(() => defineConfig({ toString: { type: "string" } }), /toString is not set/);
  assert.throws(
    () => defineConfig({ on: { type: "boolean", env: "ON" } }, { env: { ON: "constructor" } }),
    TypeError,
  );
});

test("a context has the values; its page has the listing, of a plain record the names alone", () => {
  const config = defineConfig(SCHEMA, { env: { DATABASE_URL: SECRET } });
  const context = createContext({ name: "configured", config });
  assert.equal(context.config, config.values);
  assert.equal(context.child().config.port, 8888);
  const plain = createContext({ name: "plain", config: { apiKey: "hunter2" } });
  const rows = (of: typeof context) =>
    of.report().tables!.find(({ id }) => id === "configuration")!.rows.map((row) => row.slice(0, 4));
  assert.deepEqual(rows(context), [
    ["port", 8888, "default", "PORT"],
    ["verbose", false, "default", "VERBOSE"],
    ["region", null, "not set", null],
    ["databaseUrl", "(not shown)", "the environment", "DATABASE_URL"],
  ]);
  assert.deepEqual(rows(plain), [["apiKey", "(not shown)", "the program", null]]);
  assert.ok(!JSON.stringify([context.snapshot(), plain.snapshot(), plain.report()]).includes("hunter2"));
  context.close();
  plain.close();
});
