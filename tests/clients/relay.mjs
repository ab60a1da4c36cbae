// Relay over the gateway: its compiler over the committed schema, its runtime over what that makes.

import { ok, deepStrictEqual as same, strictEqual } from "node:assert";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "graphql-sse";
import relay from "relay-runtime";
import { ask, headers, tell, url } from "./millrace.mjs";

const here = import.meta.dirname;
const warnings = [];
for (const level of ["warn", "error"]) {
  console[level] = (...words) => warnings.push(words.join(" ").split("\n")[0]);
}

// The compiler, as an application's build runs it.
const folder = mkdtempSync(join(tmpdir(), "millrace-relay-"));
cpSync(join(here, "relay"), join(folder, "source"), { recursive: true });
cpSync(join(here, "../../gateway/schema.graphql"), join(folder, "schema.graphql"));
mkdirSync(join(folder, "made"));
const config = {
  src: "source",
  schema: "schema.graphql",
  language: "javascript",
  artifactDirectory: "made",
  eagerEsModules: false,
};
writeFileSync(join(folder, "relay.config.json"), JSON.stringify(config));
symlinkSync(join(here, "node_modules"), join(folder, "node_modules"));
const compiler = join(here, "node_modules/relay-compiler/cli.js");
const compiling = execFileSync("node", [compiler, "relay.config.json"], {
  cwd: folder,
  encoding: "utf8",
  stdio: "pipe",
});
const made = createRequire(join(folder, "made/x.js"));
const artifact = (name) => made(`./documents${name}.graphql.js`);

const {
  Environment,
  Network,
  Observable,
  RecordSource,
  Store,
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  getSingularSelector,
  requestSubscription,
} = relay;
const stream = createClient({ url, headers });
const environment = new Environment({
  network: Network.create(
    ({ text }, variables) => ask(text, variables),
    ({ text }, variables) =>
      Observable.create((sink) => stream.subscribe({ query: text, variables }, sink)),
  ),
  store: new Store(new RecordSource()),
});

// What an application keeps shown stays in the store.
async function query(name, variables = {}) {
  const operation = createOperationDescriptor(artifact(name), variables);
  environment.retain(operation);
  await fetchQuery(environment, artifact(name), variables).toPromise();
  return shown(name, variables);
}
function shown(name, variables = {}) {
  const { fragment } = createOperationDescriptor(artifact(name), variables);
  const { data, isMissingData } = environment.lookup(fragment);
  ok(!isMissingData, `${name} lacks something`);
  return data;
}
function read(name, reference) {
  const selector = getSingularSelector(artifact(name), reference);
  const { data, isMissingData } = environment.lookup(selector);
  ok(!isMissingData, `${name} lacks something`);
  return data;
}

// A list, and the next page joined to it.
const list = await query("ListQuery");
const first = read("Orders", list).orders;
strictEqual(first.edges.length, 2);
ok(first.pageInfo.hasNextPage);
await query("OrdersNextQuery", { first: 2, after: first.pageInfo.endCursor });
const joined = read("Orders", list).orders.edges.map(({ node }) => node);
const raw = await ask("{ orders(first: 4) { nodes { id lines { sku quantity } } } }");
same(joined.map(({ id, lines }) => ({ id, lines })), raw.data.orders.nodes);

// A record by its id, and the list within it.
const [{ id, customer }] = joined;
const { node } = await query("OrderQuery", { id });
strictEqual(node.__typename, "Order");
strictEqual(read("History", node.documentsHistory).history.edges.length, 1);
await query("ProductsQuery");

// A mutation's record takes the place of the one that was kept, wherever it is shown.
strictEqual(read("Card", customer).status, "ACTIVE");
const variables = { input: { customerId: customer.id, reason: "late" } };
const mutation = artifact("HoldMutation");
await new Promise((onCompleted, onError) => {
  commitMutation(environment, { mutation, variables, onCompleted, onError });
});
strictEqual(read("Card", customer).status, "ON_HOLD");
const { node: again } = await query("CardQuery", { id: customer.id });
strictEqual(read("Card", again).statusReason, "late");

// What a subscription tells takes its place too, and the record's list goes on.
const changed = new Promise((onNext, onError) => {
  const subscription = artifact("ChangedSubscription");
  requestSubscription(environment, { subscription, variables: {}, onNext, onError });
});
await new Promise((resolve) => setTimeout(resolve, 500));
await ask(`mutation { cancelOrder(input: { orderId: "${id}", reason: "r" }) { recordId } }`);
strictEqual((await changed).ordersChanged.order.id, id);
strictEqual(shown("OrderQuery", { id }).node.status, "CANCELLED");
const { endCursor } = read("History", node.documentsHistory).history.pageInfo;
await query("HistoryNextQuery", { id, first: 1, after: endCursor });
const facts = read("History", node.documentsHistory).history.edges.map(({ node }) => node.factType);
same(facts, ["order.placed", "order.cancelled"]);

stream.dispose();
rmSync(folder, { recursive: true });
ok(/Compilation completed/.test(compiling), compiling);
tell({ warnings });
