// The operations on what waits for a person: list, resume, close. Of FIX sessions, which serve all clients,
// only the operator sees what waits.

import { changeSigned } from '../auth/change-once.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { Refusal } from '../refusal.ts';
import { resumeReports } from '../venue/inbox-store.ts';
import { closeParked, findParkedOf, resumeParked } from '../work/parked-store.ts';
import { closeParkedBody, resumeParkedBody } from './control-schemas.ts';
import { jsonBody } from './json-body.ts';
import { decidedBody, withDetail } from './once.ts';
import { json, pageResponse, rangeOf } from './page.ts';
import type { Handler } from './pipeline.ts';
import { pageQuery } from './reading-schemas.ts';
import { queryReaderOf, readerOf, readNoQuery } from './schemas.ts';

const readPageQuery = queryReaderOf(pageQuery);
const readResume = readerOf(resumeParkedBody);
const readClose = readerOf(closeParkedBody);

export function parkedHandlers(options: { readonly sql: Sql; readonly clock: Clock }) {
  const { sql, clock } = options;
  return {
    list: async (call) => {
      const range = rangeOf(readPageQuery(call.search));
      const { tenantId } = call.caller;
      const { items, totalCount } = await findParkedOf(sql, { tenantId, ...range });
      const objects = items.map(({ id, reason, tries, since }) => {
        return JSON.stringify({ id, reason, tries, parked_at: since, remedy: remedyOf(id) });
      });
      const page = { objects: objects.join(','), count: items.length, totalCount };
      return pageResponse(call, page, range, 'parked_at');
    },

    resume: async (call) => {
      readNoQuery(call.search);
      const { id } = readResume(jsonBody(call), 'body');
      const { tenantId } = call.caller;
      if (remedyOf(id) === 'close') {
        throw new Refusal('conflict', 'A correction cannot be tried again: it is closed.');
      }
      const choice = { id, tenantId };
      const resumed = await changeSigned(
        sql,
        withDetail(call.caller, { detail: id }),
        async (tx) => {
          const ids = [
            ...(await resumeParked(tx, choice, clock.now())),
            ...(await resumeReports(tx, choice)),
          ];
          return ids.length === 0 ? noSuchParked() : ids;
        },
      );
      return json(200, { resumed });
    },

    close: async (call) => {
      readNoQuery(call.search);
      const { id, reason, person: actor } = decidedBody(call, readClose);
      const { tenantId } = call.caller;
      if (remedyOf(id) !== 'close') {
        throw new Refusal('conflict', 'Only a correction is closed; everything else is resumed.');
      }
      await changeSigned(sql, withDetail(call.caller, { detail: id, reason }), async (tx) => {
        const close = { id, tenantId, actor, reason, now: clock.now() };
        return (await closeParked(tx, close)) ? undefined : noSuchParked();
      });
      return json(200, { closed: id });
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type ParkedHandlers = ReturnType<typeof parkedHandlers>;

/** What a person does about it: a correction after the end is seen to, the rest is tried again. */
function remedyOf(id: string): 'resume' | 'close' {
  return id.startsWith('correction/') ? 'close' : 'resume';
}

function noSuchParked(): Refusal {
  return new Refusal('not_found', 'There is no such thing parked.');
}
