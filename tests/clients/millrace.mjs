// What the scripts share: where the gateway is, who calls, and a way to ask it without any client.

const { MILLRACE_URL, MILLRACE_TOKEN } = process.env;

export const url = `${MILLRACE_URL}/graphql`;
export const socketUrl = url.replace("http", "ws");
export const headers = { Authorization: `Bearer ${MILLRACE_TOKEN}` };

// The answer to a document, as it comes.
export async function ask(query, variables) {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return await response.json();
}

// A line of what the test reads.
export function tell(line) {
  console.log(JSON.stringify(line));
}
