#!/usr/bin/env node
// The command line. Which commands there are stands in commands/program.ts.

import { refuseUnknownCommand } from './commands/frame.ts';
import { makeProgram } from './commands/program.ts';

const program = makeProgram();
refuseUnknownCommand(program, process.argv.slice(2));
await program.parseAsync();
