// Waiting for what has to come, and not for ever.

const WAIT = 20_000;

// Looks until this is so; then it has looked in vain, and shows what it saw last.
export async function until(look, isSo) {
  const end = Date.now() + WAIT;
  for (;;) {
    const seen = await look();
    if (isSo(seen)) return seen;
    if (Date.now() > end) throw new Error(`in vain: ${isSo}; seen last: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// Waits so many milliseconds.
export const pause = (wait) => new Promise((resolve) => setTimeout(resolve, wait));
