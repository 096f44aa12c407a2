// What people bring instead of a key in PEM, each with a sentence that says how to mend it.

/** Which half of a pair is asked for. */
export type KeyHalf = 'private' | 'public';

const labelDue = { private: 'PRIVATE KEY', public: 'PUBLIC KEY' } as const;

/** Why a text cannot be the key in PEM that is asked for; undefined where only reading it can show. */
export function keyMistake(text: string, half: KeyHalf): string | undefined {
  const due = labelDue[half];
  const labels = [...text.matchAll(/-----BEGIN ([^-\n]*)-----/g)].map(([, label = '']) => label);
  if (labels.length === 0) return withoutPem(text.trim(), due);
  if (/^["']/.test(text.trim())) return 'This PEM stands in quotation marks; remove them.';
  if (/\\n/.test(text))
    return 'The line breaks of this PEM are written as \\n; make real ones of them.';
  const secret = labels.find((label) => label.endsWith('PRIVATE KEY'));
  if (half === 'public' && secret !== undefined) {
    return 'This is a private key; never hand it out. Send its public key.';
  }
  const [label = ''] = secret === undefined ? labels : [secret];
  if (half === 'public' && labels.length > 1)
    return `A single PEM block "BEGIN ${due}" is expected.`;
  return ofLabel(label, due) ?? ofForm(text, label);
}

function withoutPem(text: string, due: string): string {
  const expected = `PEM is expected ("-----BEGIN ${due}-----").`;
  if (text === '') return `The key is empty; ${expected}`;
  if (text.startsWith('{')) return `This is a key in JWK, or other JSON; ${expected}`;
  if (/^(ssh-|ecdsa-sha2-)/.test(text))
    return `This is a key in the format of OpenSSH; ${expected}`;
  if (looksLikeFileName(text)) {
    return `This looks like the name of a file; give the text that is in it. ${expected}`;
  }
  return `This is no PEM; ${expected}`;
}

/** Base64 has slashes too: what is as long as a key, and has nothing but its characters, is no name. */
export function looksLikeFileName(text: string): boolean {
  const isBase64 = /^[A-Za-z0-9+/]{40,}={0,2}$/.test(text);
  return !isBase64 && /^[\w.~:/\\ -]{1,200}$/.test(text) && /[./\\]/.test(text);
}

function ofLabel(label: string, due: string): string | undefined {
  if (label === 'ENCRYPTED PRIVATE KEY') {
    return 'This key is encrypted; decrypt it first: openssl pkey -in key.pem -out private.pem.';
  }
  if (label === 'OPENSSH PRIVATE KEY') {
    return 'This is a key in the format of OpenSSH; make one by openssl genpkey -algorithm ed25519.';
  }
  if (label === 'CERTIFICATE') return `This is a certificate; give the ${due.toLowerCase()} alone.`;
  if (due === 'PRIVATE KEY' && /PUBLIC KEY$/.test(label)) {
    return 'This is a public key; signing needs the private key that belongs to it.';
  }
  const isDue = due === 'PUBLIC KEY' ? label === due : label.endsWith(due);
  return isDue
    ? undefined
    : `A PEM block "BEGIN ${due}" is expected, and this is "BEGIN ${label}".`;
}

function ofForm(text: string, label: string): string | undefined {
  if (/Proc-Type: 4,ENCRYPTED/.test(text)) {
    return 'This key is encrypted; decrypt it first: openssl pkey -in key.pem -out private.pem.';
  }
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  if (!text.includes(end)) return `This PEM is cut off: "${end}" is missing.`;
  const areLines = [begin, end].every((line) => {
    return text.split(/\r?\n/).some((one) => one.replace(/^\ufeff/, '').trimEnd() === line);
  });
  return areLines ? undefined : `"${begin}" and "${end}" have to stand on lines of their own.`;
}
