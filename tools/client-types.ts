// Writes the types of the client's objects from the API document, which is made of the schemas that
// validate requests:
//   node tools/client-types.ts
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wholeDocument } from './openapi.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

/** As much of JSON Schema as the document uses. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface Content {
  readonly content: { readonly 'application/json': { readonly schema: Schema } };
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

// The later contract has what the reference has, and more that a client may meet.
const document = JSON.parse(wholeDocument('2026')) as Document;
const operations = Object.values(document.paths).flatMap((path) => Object.values(path));

function operation(id: string): Operation {
  const found = operations.find(({ operationId }) => operationId === id);
  if (found === undefined) throw new TypeError(`The document has no operation ${id}.`);
  return found;
}

function component(name: string): Schema {
  const schema = document.components.schemas[name];
  if (schema === undefined) throw new TypeError(`The document has no schema ${name}.`);
  return schema;
}

/** A part of a schema, by names of properties; lists and what may be null are passed through. */
function part(schema: Schema, ...names: readonly string[]): Schema {
  return names.reduce<Schema>((whole, name) => {
    const found = bare(whole).properties?.[name];
    if (found === undefined) throw new TypeError(`There is no ${names.join('.')}.`);
    return bare(found);
  }, schema);
}

function bare(schema: Schema): Schema {
  if (schema.$ref !== undefined) return component(schema.$ref.split('/').at(-1) ?? '');
  return schema.items ?? schema.anyOf?.[0] ?? schema;
}

const bodyOf = (id: string): Schema => {
  const schema = operation(id).requestBody?.content['application/json'].schema;
  if (schema === undefined) throw new TypeError(`${id} has no body.`);
  return schema;
};

const responseOf = (id: string): Schema => {
  const { responses } = operation(id);
  const schema = (responses['200'] ?? responses['202'])?.content['application/json'].schema;
  if (schema === undefined) throw new TypeError(`${id} has no answer.`);
  return schema;
};

function queryOf(id: string): Schema {
  const given = (operation(id).parameters ?? []).filter((one) => one.in === 'query');
  const properties = given.map(({ name, description, schema }) => {
    return [name, { ...schema, ...(description === undefined ? {} : { description }) }] as const;
  });
  return { type: 'object', properties: Object.fromEntries(properties) };
}

/** What each file has, and where in the document it stands. */
const files: Readonly<Record<string, { about: string; types: Readonly<Record<string, Schema>> }>> =
  {
    'contract.ts': {
      about: 'Liquidations, lists, events and tokens',
      types: {
        Liquidation: component('Liquidation'),
        LiquidationStatus: part(component('Liquidation'), 'status'),
        LiquidationOrder: component('LiquidationOrder'),
        LiquidationQuery: queryOf('list_accounts_liquidations'),
        PageMeta: component('PageMeta'),
        PageQuery: queryOf('list_positions'),
        EventQuery: queryOf('list_events'),
        EventPageMeta: part(responseOf('list_events'), 'meta'),
        EventGap: part(responseOf('list_events'), 'meta', 'gap'),
        KeySet: component('PublicKeys'),
        VerifyKey: component('PublicKey'),
        Token: component('AccessToken'),
      },
    },
    'subscriptions.ts': {
      about: 'Subscriptions of webhooks and their deliveries',
      types: {
        Webhook: component('Webhook'),
        NewWebhook: bodyOf('create_webhook'),
        EventKind: part(bodyOf('create_webhook'), 'exclude_type'),
        WebhookConfig: part(bodyOf('create_webhook'), 'config'),
        WebhookQuery: queryOf('list_webhooks'),
        WebhookDelivery: part(component('Webhook'), 'delivery'),
        BlockedAccount: part(component('Webhook'), 'delivery', 'accounts'),
        DeliveryAttempt: component('DeliveryAttempt'),
        AttemptQuery: queryOf('list_webhook_deliveries'),
        WebhookTest: component('WebhookTest'),
        ReplayRequest: bodyOf('replay_webhook'),
        Replayed: component('Replay'),
      },
    },
    'control.ts': {
      about: 'All liquidations of a client, and the story of one',
      types: {
        LiquidationOverview: part(responseOf('list_liquidations'), 'data'),
        LiquidationProgress: part(responseOf('list_liquidations'), 'data', 'progress'),
        LiquidationWait: part(responseOf('list_liquidations'), 'data', 'waiting'),
        WaitReason: part(responseOf('list_liquidations'), 'data', 'waiting', 'reason'),
        OverviewQuery: queryOf('list_liquidations'),
        CursorPageMeta: part(responseOf('list_liquidations'), 'meta'),
        LiquidationStory: responseOf('retrieve_liquidation'),
        SignedStatement: responseOf('retrieve_liquidation_statement'),
        StoryOrder: part(responseOf('retrieve_liquidation'), 'orders'),
        StreamQuery: queryOf('stream_events'),
        StoryEntry: part(responseOf('retrieve_liquidation'), 'timeline'),
      },
    },
    'preview.ts': {
      about: 'Previews of liquidations, and those that are released later',
      types: {
        NewScheduledLiquidation: bodyOf('schedule_liquidation'),
        ScheduledLiquidation: responseOf('schedule_liquidation'),
        LiquidationPreview: responseOf('preview_account_liquidation'),
        PreviewPosition: part(responseOf('preview_account_liquidation'), 'positions'),
        UnsoldUnits: part(responseOf('preview_account_liquidation'), 'positions', 'unsold'),
        PreviewTotal: part(responseOf('preview_account_liquidation'), 'totals', 'by_currency'),
      },
    },
    'halts.ts': {
      about: 'Halts',
      types: {
        Halt: part(responseOf('list_halts'), 'data'),
        HaltQuery: queryOf('list_halts'),
        NewHalt: bodyOf('set_halt'),
        HaltWithEffect: responseOf('retrieve_halt'),
        HaltEffect: part(responseOf('retrieve_halt'), 'effect'),
        LiftRequest: bodyOf('lift_halt'),
        Approval: part(responseOf('list_approvals'), 'data'),
        ApprovalQuery: queryOf('list_approvals'),
        ApprovalDecision: bodyOf('approve'),
      },
    },
    'trail.ts': {
      about: 'Who has changed what',
      types: {
        Act: part(responseOf('list_acts'), 'data'),
        ActQuery: queryOf('list_acts'),
      },
    },
    'looks.ts': {
      about: 'How the selling goes, what an id names, and what waits for a person',
      types: {
        SellingOverview: responseOf('show_overview'),
        FoundThing: part(responseOf('find_by_id'), 'data'),
        Parked: part(responseOf('list_parked'), 'data'),
        ParkedClosing: bodyOf('close_parked'),
      },
    },
    'pre-trade.ts': {
      about: 'Pre-trade controls, and orders that they have stopped',
      types: {
        ControlsInForce: responseOf('retrieve_controls'),
        Controls: responseOf('set_controls'),
        NewControls: bodyOf('set_controls'),
        StoppedOrder: part(responseOf('list_stopped_orders'), 'data'),
        StoppedQuery: queryOf('list_stopped_orders'),
        ReleaseRequest: bodyOf('release_stopped_order'),
      },
    },
    'batches.ts': {
      about: 'Batches',
      types: {
        Batch: part(responseOf('list_batches'), 'data'),
        BatchStatus: part(responseOf('list_batches'), 'data', 'status'),
        BatchCounts: part(responseOf('list_batches'), 'data', 'accounts'),
        BatchQuery: queryOf('list_batches'),
        BatchWithProgress: responseOf('retrieve_batch'),
        NewBatch: bodyOf('create_batch'),
        NamedAccount: part(bodyOf('create_batch'), 'accounts'),
        BatchAccount: part(responseOf('list_batch_accounts'), 'data'),
        BatchAccountQuery: queryOf('list_batch_accounts'),
      },
    },
    'book.ts': {
      about: 'Users, accounts and what they hold, orders and instruments',
      types: {
        User: component('User'),
        Account: component('Account'),
        Position: component('Position'),
        Instrument: component('Instrument'),
        InstrumentQuery: queryOf('list_instruments'),
        Order: component('Order'),
        OrderedQuery: queryOf('list_account_orders'),
        Execution: component('Execution'),
      },
    },
  };

/** Types that have all members of another, and more. */
const bases: Readonly<Record<string, string>> = {
  LiquidationOverview: 'Liquidation',
  ScheduledLiquidation: 'Liquidation',
  HaltWithEffect: 'Halt',
  BatchWithProgress: 'Batch',
};

/** Two schemas of one key are one type. */
function keyOf({ description: _, ...schema }: Schema): string {
  return JSON.stringify(schema);
}

/** The text of each file, by its path in the repository. */
export function clientTypes(): ReadonlyMap<string, string> {
  const homes = new Map<string, Name>();
  for (const [file, { types }] of Object.entries(files)) {
    for (const [name, schema] of Object.entries(types)) homes.set(keyOf(schema), { name, file });
  }
  return new Map(
    Object.entries(files).map(([file, { about, types }]) => {
      const used = new Set<Name>();
      const declared = Object.entries(types).map(([name, schema]) => {
        const names: Names = (inner) => {
          const found = homes.get(keyOf(inner));
          if (found?.name === name) return undefined;
          if (found !== undefined && found.file !== file) used.add(found);
          return found;
        };
        const base = bases[name];
        return base === undefined
          ? declaration(name, schema, names)
          : extension(name, schema, base, names);
      });
      const text = [
        `// ${about}, as they are on the wire:`,
        '// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later',
        '// versions may add members and values. Written by tools/client-types.ts from the API document.',
        '',
        ...importsOf(used),
        ...declared,
      ].join('\n');
      const path = `packages/client/src/${file}`;
      return [path, formatted(path, text)];
    }),
  );
}

/** A type, and the file that has it. */
interface Name {
  readonly name: string;
  readonly file: string;
}

type Names = (schema: Schema) => Name | undefined;

function importsOf(used: ReadonlySet<Name>): readonly string[] {
  const byFile = Map.groupBy(used, ({ file }) => file);
  return [...byFile].map(([file, names]) => {
    const sorted = names.map(({ name }) => name).sort();
    return `import type { ${sorted.join(', ')} } from './${file}';\n`;
  });
}

function declaration(name: string, schema: Schema, names: Names): string {
  const comment = commentOf(schema);
  if (schema.properties === undefined) {
    return `${comment}export type ${name} = ${typeOf(schema, names)};\n`;
  }
  return `${comment}export interface ${name} ${typeOf(schema, names)}\n`;
}

/** An interface with what its base has not, or says otherwise. @throws TypeError where it lacks a member. */
function extension(name: string, schema: Schema, base: string, names: Names): string {
  const shared = Object.values(files).flatMap(({ types }) => types[base] ?? [])[0] ?? {};
  for (const member of Object.keys(shared.properties ?? {})) part(schema, member);
  const said = ({ properties, required }: Schema, member: string) => {
    return JSON.stringify([properties?.[member], required?.includes(member) === true]);
  };
  const own = Object.entries(schema.properties ?? {}).filter(([member]) => {
    return said(schema, member) !== said(shared, member);
  });
  names(shared);
  const members = membersOf({ ...schema, properties: Object.fromEntries(own) }, names);
  return `${commentOf(schema)}export interface ${name} extends ${base} {\n${members}}\n`;
}

function typeOf(schema: Schema, names: Names): string {
  if (schema.$ref !== undefined) return typeOf(bare(schema), names);
  const named = names(schema);
  if (named !== undefined) return named.name;
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum?.[0] === 'ALL') {
    const [all, ...others] = schema.enum;
    return `${literal(all)} | ${typeOf({ enum: others, type: 'string' }, names)}`;
  }
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ');
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => typeOf(one, names)).join(' | ');
  const [values] = Object.values(schema.patternProperties ?? {});
  if (values !== undefined) return `Readonly<Record<string, ${typeOf(values, names)}>>`;
  switch (schema.type) {
    case 'array':
      return `readonly (${typeOf(schema.items ?? {}, names)})[]`;
    case 'object':
      return `{\n${membersOf(schema, names)}}`;
    case 'integer':
      return 'number';
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    default:
      throw new TypeError(`The type of ${JSON.stringify(schema)} is not known here.`);
  }
}

function literal(value: unknown): string {
  return JSON.stringify(value);
}

function membersOf(schema: Schema, names: Names): string {
  return Object.entries(schema.properties ?? {})
    .map(([member, value]) => {
      const optional = schema.required?.includes(member) === true ? '' : '?';
      const type = typeOf(value, names);
      return `${commentOf(value)}readonly ${member}${optional}: ${type};\n`;
    })
    .join('');
}

/** Width of a comment: with its indentation it stays within the lines of the repository. */
const commentWidth = 90;

function commentOf({ description, anyOf }: Schema): string {
  const text = (description ?? anyOf?.[0]?.description)?.replaceAll(/\s+/g, ' ');
  if (text === undefined) return '';
  if (text.length <= commentWidth) return `/** ${text} */\n`;
  const lines = text.match(new RegExp(`.{1,${commentWidth}}(?: |$)`, 'g')) ?? [];
  return `/**\n${lines.map((line) => ` * ${line.trimEnd()}\n`).join('')} */\n`;
}

function formatted(path: string, text: string): string {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'format', `--stdin-file-path=${path}`];
  return execFileSync(process.execPath, args, { cwd: root, input: text, encoding: 'utf8' });
}

if (import.meta.main) {
  for (const [path, text] of clientTypes()) writeFileSync(join(root, path), text);
}
