import assert from "node:assert/strict";
import { Agent, get } from "node:http";
import { describe, it } from "node:test";
import { type BackendReply, startBackends } from "../../examples/service/backends.ts";

describe("the backends", () => {
  it("say who they are and count their requests on one connection", async () => {
    const { backends, close } = await startBackends();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      assert.deepEqual(backends.map(({ name }) => name), ["users", "orders"]);
      for (const { name, port } of backends) {
        const clientPorts = new Set<number | undefined>();
        for (const requests of [1, 2, 3]) {
          const { reply, clientPort } = await fetchJson(agent, port);
          assert.deepEqual({ ...reply, at: "" }, { backend: name, at: "", requests });
          assert.ok(!Number.isNaN(Date.parse(reply.at)));
          clientPorts.add(clientPort);
        }
        assert.equal(clientPorts.size, 1);
      }
    } finally {
      agent.destroy();
      await close();
    }
  });

  it("end at once, connections and late replies included", async () => {
    const { backends, close } = await startBackends({ latencyMs: 3_600_000 });
    const agent = new Agent({ keepAlive: true });
    const [users] = backends;
    const late = assert.rejects(fetchJson(agent, users!.port));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all([close(), close()]);
    await late;
    await assert.rejects(fetchJson(agent, users!.port));
    agent.destroy();
  });

  it("answer 404 elsewhere than on /, without counting it", async () => {
    const { backends: [users], close } = await startBackends({ latencyMs: 1 });
    const agent = new Agent();
    try {
      assert.equal((await fetchJson(agent, users!.port, "/nope")).status, 404);
      assert.equal((await fetchJson(agent, users!.port, "/?q=1")).reply.requests, 1);
    } finally {
      agent.destroy();
      await close();
    }
  });
});

interface Fetched {
  readonly status: number | undefined;
  readonly reply: BackendReply;
  readonly clientPort: number | undefined;
}

function fetchJson(agent: Agent, port: number, path = "/"): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    get({ agent, port, path, host: "127.0.0.1" }, (response) => {
      const clientPort = response.socket.localPort;
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => text += chunk);
      response.on("end", () => {
        resolve({ status: response.statusCode, reply: JSON.parse(text || "{}"), clientPort });
      });
      response.on("error", reject);
    }).on("error", reject);
  });
}
