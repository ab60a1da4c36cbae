// The page /graphiql: GraphiQL over one fetch. Queries and mutations are answered in JSON;
// subscriptions by GraphQL over SSE in its "distinct connections" mode, so that the headers box
// serves both (a browser cannot put headers on a WebSocket or an EventSource).
// https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverSSE.md

const ENDPOINT = new URL("graphql", document.baseURI);
const PLACEHOLDER = "<contents of data/admin-token>";
const DEFAULT_HEADERS = JSON.stringify({ Authorization: `Bearer ${PLACEHOLDER}` }, null, 2);

function fetcher(params, { headers = {}, documentAST } = {}) {
  return isSubscription(documentAST, params.operationName)
    ? subscribe(params, headers)
    : post(params, headers, "application/json").then(readJson);
}

function isSubscription(document, name) {
  const operations = (document?.definitions ?? []).filter((d) => d.kind === "OperationDefinition");
  const chosen = name ? operations.find((o) => o.name?.value === name) : operations[0];
  return chosen?.operation === "subscription";
}

function post(params, headers, accept, signal) {
  const filled = Object.entries(headers).filter(([, v]) => !String(v).includes(PLACEHOLDER));
  return fetch(ENDPOINT, {
    method: "POST",
    headers: { ...Object.fromEntries(filled), "Content-Type": "application/json", Accept: accept },
    body: JSON.stringify(params),
    signal,
  });
}

// Errors too have a JSON body with `errors`, whatever their status, and it is shown as it is.
async function readJson(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    const message = `${response.status} ${response.statusText}: ${text.slice(0, 500)}`;
    return { errors: [{ message }] };
  }
}

// GraphiQL's stop button calls `return`; an async generator alone would only hear of it at the
// next event, so the connection is cut here.
function subscribe(params, headers) {
  const abort = new AbortController();
  const results = stream(params, headers, abort.signal);
  const iterator = {
    next: () => results.next(),
    return: () => {
      abort.abort();
      return results.return();
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

async function* stream(params, headers, signal) {
  try {
    const response = await post(params, headers, "text/event-stream", signal);
    if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
      yield await readJson(response);
      return;
    }
    for await (const { event, data } of events(response.body)) {
      if (event === "complete") return;
      if (event === "next") yield JSON.parse(data);
    }
    const message = "The connection ended before the subscription was complete: run it again.";
    yield { errors: [{ message }] };
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

// Server-Sent Events with lines ended by LF or CRLF; comments (keep-alive) and ids are skipped.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
async function* events(body) {
  let event = "";
  let data = [];
  for await (const line of lines(body)) {
    if (line === "") {
      if (event || data.length) yield { event: event || "message", data: data.join("\n") };
      event = "";
      data = [];
    } else {
      const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (field === "event") event = value;
      if (field === "data") data.push(value);
    }
  }
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + value).split(/\r?\n/);
      rest = parts.pop();
      yield* parts;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// `shouldPersistHeaders: false` keeps the headers out of the tabs that GraphiQL stores, but not out
// of its history: without this, tokens would stay on the browser's disk.
const storage = {
  get length() {
    return localStorage.length;
  },
  clear: () => localStorage.clear(),
  getItem: (key) => localStorage.getItem(key),
  removeItem: (key) => localStorage.removeItem(key),
  setItem: (key, value) => localStorage.setItem(key, withoutTokens(value)),
};

function withoutTokens(stored) {
  const emptied = (key, value) => (key === "headers" && value ? DEFAULT_HEADERS : value);
  try {
    return JSON.stringify(JSON.parse(stored, emptied));
  } catch {
    return stored; // a query's text, a name: not JSON
  }
}

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: "",
    // Whoever was here before finds the tabs that they left.
    ...(localStorage.getItem("graphiql:tabState") ? {} : { query: EXAMPLES, variables: VARIABLES }),
    defaultHeaders: DEFAULT_HEADERS,
    defaultEditorToolsVisibility: "headers",
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    storage,
  }),
);
