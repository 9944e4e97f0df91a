/**
 * Loaded into a process that is measured (`node --expose-gc --import …`): answers each message of
 * its parent with the memory that is in use once all garbage is collected.
 */
process.on('message', () => {
  // Twice: what finalizers let go of is only found by the second.
  globalThis.gc?.();
  globalThis.gc?.();
  process.send?.(process.memoryUsage());
});
// What is measured must end as if nobody listened.
process.channel?.unref();
