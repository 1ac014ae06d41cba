// npm run guest: see guests/debian/main.ts.
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { main } = await import('../dist/guests/debian/main.js');
try {
  process.exitCode = await main(process.argv.slice(2), root);
} catch (error) {
  if (error.constructor.name !== 'GuestSetupError') throw error;
  process.stderr.write(`guest: ${error.message}\n`);
  process.exitCode = 2;
}
