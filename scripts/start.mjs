// "npm start": the gateway in this very process, so that npm's signals and its exit code are the gateway's.
const parent = process.ppid;

// npm killed outright passes no signal on, and a gateway nobody can stop would keep the port.
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
}, 500).unref();

process.argv.splice(2, 0, 'serve');
await import('../bin/mcpx.js');
