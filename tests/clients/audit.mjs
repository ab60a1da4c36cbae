// The audits of graphql-http over the gateway: one line of JSON for each, with what it found and
// the last answer that it got.

import { serverAudits } from "graphql-http";

const { MILLRACE_URL, MILLRACE_TOKEN } = process.env;
let answer;

async function fetchFn(url, init = {}) {
  const token = MILLRACE_TOKEN ? { Authorization: `Bearer ${MILLRACE_TOKEN}` } : {};
  const headers = { ...init.headers, ...token };
  const response = await fetch(url, { ...init, headers });
  const body = await response.clone().text();
  answer = { accept: headers.accept, status: response.status, body };
  answer.type = response.headers.get("content-type");
  return response;
}

for (const audit of serverAudits({ url: `${MILLRACE_URL}/graphql`, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  console.log(JSON.stringify({ id, name, status, reason, answer }));
}
