// The API document as a judge: whether an answer is one that it lists for the operation, with the
// headers and the body it describes, and nothing that it does not.
import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

/** A part of the document. */
export interface Part {
  readonly [name: string]: unknown;
}

/** What is judged of an answer. */
export interface Judged {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface DocumentedOperation {
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly operation: Part;
}

export interface ApiDocument {
  readonly text: string;
  readonly whole: Part;
  readonly operations: readonly DocumentedOperation[];
  /** What a pointer such as `#/components/headers/Allow` names; a part without one is itself. */
  resolve(part: unknown): Part;
  /** Complaints about a value; none when it fits. Objects have no members that are not named. */
  faults(schema: unknown, value: unknown): readonly string[];
  /** Fails for an answer that is not as the document says. */
  judge(request: { readonly method: string; readonly target: string }, answer: Judged): void;
}

/** Headers that belong to HTTP or to pages, not to an operation. */
const headersOfHttp = new Set([
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'transfer-encoding',
  'x-content-type-options',
]);

const documentId = 'document';
const methods = ['get', 'post', 'put', 'patch', 'delete'];
const problemType = 'application/problem+json';
/** What a request may be answered before it is known what it wants. */
const beforeRouting = [400, 413];

const read = new Map<string, ApiDocument>();

/** Reads a document; the same text is read once. */
export function readDocument(text: string): ApiDocument {
  const known = read.get(text) ?? makeDocument(text);
  read.set(text, known);
  return known;
}

function makeDocument(text: string): ApiDocument {
  const whole: Part = JSON.parse(text);
  const operations = Object.entries(part(whole['paths'])).flatMap(([path, item]) => {
    return Object.entries(part(item))
      .filter(([method]) => methods.includes(method))
      .map(([method, operation]) => ({ method, path, operation: part(operation) }));
  });
  const patterns = new Map(operations.map(({ path }) => [path, patternOf(path)]));
  const resolve = (one: unknown) => resolveIn(whole, one);
  const faults = judgeOfValues(whole);
  const isProblem = { $ref: '#/components/schemas/Problem' };

  const judge: ApiDocument['judge'] = ({ method, target }, answer) => {
    const { status } = answer;
    const [given = ''] = target.split('?');
    const onPath = operations.filter(({ path }) => patterns.get(path)?.test(given));
    const where = `${method} ${target} answered ${status}`;
    const sought = method === 'HEAD' ? 'get' : method.toLowerCase();
    const found = onPath.find((one) => one.method === sought);
    if (found === undefined) {
      // Pages, paths that are not there, other methods: errors still have the form of all errors.
      const isKnown = onPath.length > 0 && method !== 'OPTIONS';
      if (isKnown) assert.ok([405, ...beforeRouting].includes(status), where);
      if (isProblemAnswer(answer)) assert.deepEqual(faults(isProblem, JSON.parse(answer.text)), []);
      return;
    }
    const listed = part(found.operation['responses'])[status];
    assert.ok(listed !== undefined, `${where}, which the document does not list`);
    const response = resolve(listed);
    const described = part(response['headers'] ?? {});
    judgeHeaders({ described, where, resolve, faults }, answer);
    judgeBody({ content: part(response['content'] ?? {}), where, faults }, method, answer);
  };
  return { text, whole, operations, resolve, faults, judge };
}

function isProblemAnswer({ headers, text }: Judged): boolean {
  return headers['content-type'] === problemType && text !== '';
}

interface Judging {
  readonly where: string;
  readonly faults: ApiDocument['faults'];
}

function judgeHeaders(
  expected: Judging & { readonly described: Part; readonly resolve: ApiDocument['resolve'] },
  { headers }: Judged,
): void {
  const { described, where, resolve, faults } = expected;
  for (const [name, reference] of Object.entries(described)) {
    const { required = false, schema } = resolve(reference);
    const value = headers[name];
    if (value === undefined) assert.ok(required === false, `${where} without ${name}`);
    else assert.deepEqual(faults(schema, value), [], `${where} with ${name}: ${value}`);
  }
  const others = Object.keys(headers).filter((name) => {
    return !headersOfHttp.has(name) && !Object.hasOwn(described, name);
  });
  assert.deepEqual(others, [], `${where} with headers that the document does not list`);
}

function judgeBody(
  { content, where, faults }: Judging & { readonly content: Part },
  method: string,
  { headers, text }: Judged,
): void {
  const type = String(headers['content-type'] ?? '');
  const media = content[type];
  if (Object.keys(content).length === 0) assert.equal(text, '', `${where} with a body`);
  else if (method !== 'HEAD') {
    assert.ok(media !== undefined, `${where} with ${type}, which the document does not list`);
    const { schema } = part(media);
    const value = /json/.test(type) ? JSON.parse(text) : text;
    assert.deepEqual(faults(schema, value), [], `${where} with ${text}`);
  }
}

/** Targets of this path; parameters are what stands between two slashes. */
function patternOf(path: string): RegExp {
  const pattern = path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^${pattern}$`);
}

function resolveIn(whole: Part, one: unknown): Part {
  const reference = part(one)['$ref'];
  if (typeof reference !== 'string') return part(one);
  const names = reference.slice(2).split('/');
  const found = names.reduce<unknown>((at, name) => part(at)[name], whole);
  assert.ok(found !== undefined, `${reference} is in the document`);
  return part(found);
}

function part(value: unknown): Part {
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value));
  return value as Part;
}

function judgeOfValues(whole: Part): ApiDocument['faults'] {
  const ajv = new Ajv2020({ strict: false, allErrors: true, code: { optimize: false } });
  formats.default(ajv);
  ajv.addSchema({ $id: documentId, components: closed(whole['components']) });
  // By its text, since hundreds of answers are described by the same words; and by itself, to find it at once.
  const compiled = new Map<unknown, ValidateFunction>();
  const validatorOf = (schema: unknown) => {
    const known = compiled.get(schema);
    if (known !== undefined) return known;
    const text = JSON.stringify(schema);
    const made = compiled.get(text) ?? ajv.compile({ allOf: [closed(schema)] } as Part);
    compiled.set(schema, made).set(text, made);
    return made;
  };
  return (schema, value) => {
    const validate = validatorOf(schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).map((error) => {
      return `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`;
    });
  };
}

/** The same schema, within the whole document, with objects that have no members but those that are named. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([name, value]) => {
    return [name, name === '$ref' ? `${documentId}${value}` : closed(value)];
  });
  const copy = Object.fromEntries(entries);
  const isObject = copy.type === 'object' && typeof copy.properties === 'object';
  if (!isObject || 'additionalProperties' in copy || Object.keys(copy.properties).length === 0) {
    return copy;
  }
  return { ...copy, additionalProperties: false };
}
