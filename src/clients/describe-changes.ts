import type { ClientRulesChanged } from '../common/events.js';
import type { Client } from './client-list.js';
import { OVERRIDE_FIELDS } from './override-fields.js';

const SECRET_FIELDS = OVERRIDE_FIELDS.filter(({ setting }) => setting.docs.isSecret).map(
  ({ name }) => name,
);

/** Describes the differences between two lists of clients, without API keys and secret values. */
export function describeChanges(
  before: readonly Client[],
  after: readonly Client[],
): Omit<ClientRulesChanged, 'type'>[] {
  const [old, now] = [byName(before), byName(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names.flatMap((client): Omit<ClientRulesChanged, 'type'>[] => {
    const differences = describeDifferences(old.get(client), now.get(client));
    if (!old.has(client)) return [{ client, change: 'added', differences }];
    if (!now.has(client)) return [{ client, change: 'removed', differences: [] }];
    return differences.length === 0 ? [] : [{ client, change: 'changed', differences }];
  });
}

const byName = (clients: readonly Client[]): ReadonlyMap<string, Client> =>
  new Map(clients.map((client) => [client.name, client]));

/** Returns texts such as `otpTtl: 5m → 2m`; `default` stands for the value of the setting. */
function describeDifferences(before: Client | undefined, after: Client | undefined): string[] {
  const fields = new Set([
    ...(before?.fieldTexts.keys() ?? []),
    ...(after?.fieldTexts.keys() ?? []),
  ]);
  const values = [...fields].flatMap((field) => {
    const [from, to] = [before?.fieldTexts.get(field), after?.fieldTexts.get(field)];
    if (from === to) return [];
    if (SECRET_FIELDS.includes(field)) return [`${field} changed`];
    return [`${field}: ${from ?? 'default'} → ${to ?? 'default'}`];
  });
  return [...describeKeyChanges(before?.keyHashes ?? [], after?.keyHashes ?? []), ...values];
}

/** Returns one text such as `keys: 1 added, 2 removed`; none if no key changed. */
function describeKeyChanges(before: readonly Buffer[], after: readonly Buffer[]): string[] {
  const countMissing = (keys: readonly Buffer[], others: readonly Buffer[]) =>
    keys.filter((key) => !others.some((other) => other.equals(key))).length;
  const [added, removed] = [countMissing(after, before), countMissing(before, after)];
  const changes = [
    ...(added > 0 ? [`${String(added)} added`] : []),
    ...(removed > 0 ? [`${String(removed)} removed`] : []),
  ];
  return changes.length === 0 ? [] : [`keys: ${changes.join(', ')}`];
}
