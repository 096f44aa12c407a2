// Tables, and the ways to further pages of a list.

import { html } from 'htm/preact';
import { go, place, to, withQuery } from './router.js';

/** @typedef {import('preact').ComponentChildren} Children */
/** @typedef {{ name: string, number?: boolean, cell: (row: any) => Children }} Column */

/** @type {(name: string, cell: Column['cell']) => Column} */
export const column = (name, cell) => ({ name, cell });

/** A column of numbers. @type {typeof column} */
export const figures = (name, cell) => ({ name, number: true, cell });

/**
 * A table whose rows lead somewhere; with `j` and `k` the keyboard goes through them.
 *
 * @template T
 * @param {object} props
 * @param {string} props.label
 * @param {readonly T[]} props.rows
 * @param {(row: any) => string} [props.keyOf] default: its id
 * @param {readonly Column[]} props.columns
 * @param {(row: T) => string} [props.linkOf] a place of the console
 * @param {string} [props.empty]
 */
export function Table({
  label,
  rows,
  keyOf = ({ id }) => id,
  columns,
  linkOf,
  empty = 'Nothing here.',
}) {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  const open = (/** @type {MouseEvent} */ event, /** @type {T} */ row) => {
    const { target } = event;
    if (target instanceof Element && target.closest('a, button, input, select') !== null) return;
    if (linkOf !== undefined && !getSelection()?.toString()) go(linkOf(row));
  };
  return html`<div class="scroll">
    <table class="stack" aria-label=${label}>
      <thead>
        <tr>
          ${columns.map(({ name, number }) => html`<th scope="col" class=${number ? 'number' : ''}>${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => html`<tr
            key=${keyOf(row)}
            class=${linkOf === undefined ? '' : 'link'}
            onClick=${(/** @type {MouseEvent} */ event) => open(event, row)}
          >
            ${columns.map(
              ({ name, number, cell }) =>
                html`<td class=${number ? 'number' : ''} data-label=${name}>${cell(row)}</td>`,
            )}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/**
 * The ways to other pages of a list that goes on by cursor; nothing where there is one page only.
 * @param {{ next: string | null, parameter?: string, first?: string, further?: string }} props the parameter of the
 *   address that has the cursor, and the words of the two links
 */
export function Pages({ next, parameter = 'after', first = 'Newest', further = 'Older' }) {
  const isFirst = !place.value.query.has(parameter);
  if (next === null && isFirst) return null;
  return html`<div class="buttons">
    ${!isFirst && html`<a class="button" href=${to(withQuery({ [parameter]: undefined }))}>${first}</a>`}
    ${next !== null && html`<a class="button" href=${to(withQuery({ [parameter]: next }))}>${further}</a>`}
  </div>`;
}
