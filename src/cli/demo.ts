export async function runDemo(_: { isStaying: boolean }): Promise<void> {
  await Promise.resolve();
}
