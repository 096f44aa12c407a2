// Forms: what a person fills in and why, what is done with it, and what the service refuses of it.

import { html } from 'htm/preact';
import { useRef, useState } from 'preact/hooks';
import { ApiError, change, session } from './api.js';
import { Problem } from './parts.js';

/** @typedef {import('preact').ComponentChildren} Children */

/** Hands on what was filled in. @param {(form: FormData) => unknown} take */
export function submitted(take) {
  return (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    take(new FormData(/** @type {HTMLFormElement} */ (event.target)));
  };
}

/** Something that a person has done: whether it is under way, and what the service refused of it last. */
export function useAttempt() {
  const [isBusy, setBusy] = useState(false);
  const [refused, refuse] = useState(/** @type {Error | undefined} */ (undefined));
  const attempt = async (/** @type {() => Promise<unknown>} */ work) => {
    setBusy(true);
    refuse(undefined);
    try {
      await work();
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      refuse(failure);
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, refused, forget: () => refuse(undefined), attempt };
}

/**
 * Does what a person gave a reason for; the reason and who gives it are recorded.
 *
 * @param {string} path of an operation
 * @param {FormData} form
 * @param {object} [members] others of the body
 * @param {string} [key] the same for the same command, however often it is sent
 */
export function changeBecause(path, form, members = {}, key = crypto.randomUUID()) {
  const reason = String(form.get('reason'));
  const body = { ...members, reason, person: session.value?.person ?? '' };
  return change('POST', path, body, { key, reason });
}

/** Why a person does something; it stands in the record of it. */
export function Reason() {
  return html`<label>
    <span>Reason <span class="hint">kept with your name</span></span>
    <input name="reason" required maxlength="300" autocomplete="off" />
  </label>`;
}

/**
 * A button that asks before it acts; the dialog keeps the sentence of a refusal.
 *
 * @param {object} props
 * @param {string} props.label of the button
 * @param {string} props.title the question
 * @param {Children} [props.children] what will happen
 * @param {string} [props.confirm] of the button that does it
 * @param {boolean} [props.danger]
 * @param {boolean} [props.disabled]
 * @param {() => void} [props.opened] called when the dialog opens
 * @param {(form: FormData) => Promise<unknown>} props.act
 */
export function Confirm({
  label,
  title,
  children,
  confirm = label,
  danger,
  disabled,
  opened,
  act,
}) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const { isBusy, refused, forget, attempt } = useAttempt();
  // What was typed and refused before is not asked again.
  const open = () => {
    dialog.current?.querySelector('form')?.reset();
    forget();
    opened?.();
    dialog.current?.showModal();
  };
  const submit = (/** @type {FormData} */ form) =>
    attempt(async () => {
      await act(form);
      dialog.current?.close();
    });
  return html`
    <button type="button" disabled=${disabled} onClick=${open}>${label}</button>
    <dialog ref=${dialog} aria-label=${title}>
      <h2>${title}</h2>
      <form onSubmit=${submitted(submit)}>
        ${children}
        <${Problem} error=${refused} />
        <div class="buttons">
          <button type="submit" class=${danger ? 'danger' : 'primary'} disabled=${isBusy}>${confirm}</button>
          <button type="button" onClick=${() => dialog.current?.close()}>Not now</button>
        </div>
      </form>
    </dialog>
  `;
}
