// Says what is wrong with a signed request that was refused, from the bytes that were sent.
import { readFileSync } from 'node:fs';
import {
  compatibleRules,
  inspectSignature,
  parsePublicKey,
  readRawRequest,
} from '@unwind/signatures';

const [, , requestFile = 'request.http', keyFile = 'public.pem'] = process.argv;
const { message } = readRawRequest(readFileSync(requestFile));
const clientId = message.headers.find(([name]) => name.toLowerCase() === 'upvest-client-id')?.[1];
const key = { ...parsePublicKey(readFileSync(keyFile, 'utf8')), clientId, live: true };

const { signatures } = await inspectSignature(message, {
  rules: compatibleRules,
  clientId,
  keys: () => key,
  now: Math.floor(Date.now() / 1_000),
});
console.log(JSON.stringify(signatures, undefined, 2));
