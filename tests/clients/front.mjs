// What stands before a gateway, and can cut every connection, and let nobody through for a while.

import { connect, createServer } from "node:net";

export async function before(url) {
  let [target, isCut] = [new URL(url), false];
  const wires = new Set();
  const server = createServer((client) => {
    if (isCut) return client.resetAndDestroy();
    const gateway = connect(Number(target.port), target.hostname);
    for (const [one, other] of [[client, gateway], [gateway, client]]) {
      wires.add(one);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => {
        wires.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      isCut = true;
      for (const wire of wires) wire.resetAndDestroy();
    },
    mend() {
      isCut = false;
    },
    // From now on it stands before another one.
    lead(to) {
      target = new URL(to);
    },
    close() {
      server.close();
      for (const wire of wires) wire.destroy();
    },
  };
}
