// What piscina loads in each thread. It requires its file, and a thread that is ended while it requires an ES module takes
// the whole process down (Node 20: FATAL ERROR v8::Module::IsGraphAsync); one that imports it does not.
module.exports = async ({ entry, start }) => {
  const { default: serveTasks } = await import(entry)
  return serveTasks(start)
}
