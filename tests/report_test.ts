import assert from "node:assert/strict";
import { test } from "node:test";

import { createReports, unknownAction } from "@ballast/runtime";

const finding = (id: string, severity: "critical" | "warning" | "info") => ({
  id,
  severity,
  title: id,
  evidence: "",
  likelyCause: "",
  remedy: "",
});

test("findings of all reports come together, the worst first", () => {
  const reports = createReports();
  reports.add("a", {
    report: () => ({ id: "a", title: "A", findings: [finding("x", "info"), finding("y", "critical")] }),
  });
  reports.add("b", { report: () => ({ id: "b", title: "B", findings: [finding("z", "warning")] }) });
  assert.deepEqual(reports.findings().map(({ id, report }) => [report, id]), [["a", "y"], ["b", "z"], [
    "a",
    "x",
  ]]);
});

test("a reporter that throws is a finding, and the others are shown", () => {
  const reports = createReports();
  reports.add("broken", {
    report() {
      throw new Error("out of paper");
    },
  });
  reports.add("fine", { report: () => ({ id: "fine", title: "Fine" }) });
  assert.equal(reports.all().length, 2);
  const [found] = reports.findings();
  assert.equal(found?.report, "broken");
  assert.equal(found?.evidence, "out of paper");
});

test("what is no report is a finding, too", () => {
  const malformed = [undefined, null, "fine", {}, { id: "x" }, Promise.resolve({ id: "x", title: "X" })];
  for (const report of [...malformed, { id: "x", title: "X", findings: "none" }]) {
    const reports = createReports();
    reports.add("x", { report: () => report as never });
    assert.equal(reports.findings()[0]?.id, "x-report-failed");
    assert.equal(reports.get("x")?.title, "x");
  }
});

test("a reporter added again replaces the first, and only the last one's remover removes it", () => {
  const reports = createReports();
  const removeFirst = reports.add("a", { report: () => ({ id: "a", title: "first" }) });
  const removeSecond = reports.add("a", { report: () => ({ id: "a", title: "second" }) });
  removeFirst();
  assert.equal(reports.get("a")?.title, "second");
  removeSecond();
  assert.equal(reports.get("a"), undefined);
  assert.deepEqual(reports.ids, []);
});

test("an id that could be no path is refused", () => {
  for (const id of ["", "A", "a/b", "../x", "a b"]) {
    assert.throws(() => createReports().add(id, { report: () => ({ id, title: id }) }), TypeError);
  }
});

test("an action is carried out by its component; an unknown one is an error of its own", async () => {
  const reports = createReports();
  reports.add("mute", { report: () => ({ id: "mute", title: "Mute" }) });
  reports.add("door", {
    report: () => ({ id: "door", title: "Door" }),
    act(id, { by }) {
      if (id !== "open") throw unknownAction("door", id);
      return { openedBy: by };
    },
  });
  assert.deepEqual(await reports.act("door", "open", { by: "Ada" }), { openedBy: "Ada" });
  for (const [report, action] of [["door", "close"], ["mute", "open"], ["nobody", "open"]] as const) {
    await assert.rejects(reports.act(report, action), { code: "UNKNOWN_ACTION" });
  }
});
