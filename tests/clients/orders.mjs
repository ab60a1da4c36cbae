// What the scripts that watch orders share: somebody else who orders, and what is asked.

import { ok } from "node:assert";
import { ask } from "./millrace.mjs";

export const CHANGES = `subscription ($after: String) {
  ordersChanged(after: $after) { kind recordId cursor order { number status } } }`;
export const CANCEL = `mutation ($input: CancelOrderInput!) {
  cancelOrder(input: $input) { recordId } }`;

// Places an order as another client; its id, its number, and its position in the log.
export async function place() {
  const { data } = await ask("{ customers { nodes { id } } products { nodes { id } } }");
  const lines = [{ productId: data.products.nodes[0].id, quantity: "1" }];
  const input = { customerId: data.customers.nodes[0].id, lines };
  const document = `mutation ($input: PlaceOrderInput!) {
    placeOrder(input: $input) { position order { id number } } }`;
  const placed = await ask(document, { input });
  ok(placed.data, JSON.stringify(placed.errors));
  const { order, position } = placed.data.placeOrder;
  return { ...order, position };
}

// Cancels one.
export async function cancel(orderId) {
  ok((await ask(CANCEL, { input: { orderId, reason: "r" } })).data);
}

// A position that the list of orders is at; whatever was done before lies before it.
export async function position() {
  const document = "query ($at: String) { orders(first: 1, atLeast: $at) { position } }";
  const { position: at } = await place();
  return (await ask(document, { at })).data.orders.position;
}

// What somebody subscribes with, and all that comes of it. The client sends `request` again where
// it connects again, so that it says how far it has come.
export function watcher(after) {
  const heard = [];
  let [end, fail] = [];
  const over = new Promise((resolve, reject) => ([end, fail] = [resolve, reject]));
  over.catch(() => {});
  const request = { query: CHANGES, variables: { after } };
  const sink = {
    next({ data, errors }) {
      if (errors) return heard.push(errors[0].extensions.code);
      heard.push(`${data.ordersChanged.order.number} ${data.ordersChanged.order.status}`);
      request.variables.after = data.ordersChanged.cursor;
    },
    error: fail,
    complete: end,
  };
  return { heard, over, request, sink };
}
