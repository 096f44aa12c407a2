#!/usr/bin/env node
// The command line. Which commands there are stands in commands/program.ts.

import { refuseUnknownCommand } from './commands/frame.ts';
import { makeProgram } from './commands/program.ts';

const args = process.argv.slice(2);
const program = await makeProgram(args);
refuseUnknownCommand(program, args);
await program.parseAsync();
