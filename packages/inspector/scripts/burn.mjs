/** Keeps its thread busy. */
export const burn = (ms) => {
  const end = performance.now() + ms
  while (performance.now() < end);
}
