// What whoever is signed in agrees to: by what stands in the journal, else by the plan.
import { answers, entries, record } from "./journal";
import { dataOf, plan } from "./plan";
import { session } from "./session";
import { kick } from "./sync";
import type { Purpose } from "./types";
import { spoken } from "./words";

/** Whether the phone may ask where it is. What was tapped counts at once, checked or not. */
export function agrees(purpose: string): boolean {
  const person = session?.person;
  const said = entries.filter(
    (one) => one.kind === "consent" && one.person === person && dataOf(one)["purpose"] === purpose,
  );
  const last = said[said.length - 1];
  const known = plan?.people.find((one) => one.id === person);
  // An answered one is in the plan, unless that is older than the answer.
  if (last && (!answers.has(last.seq) || Date.parse(plan?.server_time ?? "") < last.at)) {
    return dataOf(last)["given"] === true;
  }
  // A plan that was kept before there were consents tells of none.
  return (known?.agreed ?? []).includes(purpose);
}

/** The tap by which somebody agrees to the very text that they were shown, or agrees no more. */
export async function decide(purpose: Purpose, given: boolean): Promise<void> {
  const language = spoken();
  const { version } = purpose;
  const data = { purpose: purpose.purpose, version, language, digest: purpose.digest[language], given };
  await record("consent", data, { person: session?.person ?? null });
  kick();
}
