/** What an operator asks of the server, with the key; an answer that is a refusal says why in words. */

export interface Answer<T> {
  readonly ok: boolean;
  /** 0 where no answer came. */
  readonly status: number;
  readonly body: T | undefined;
  readonly code: string;
  readonly why: string;
}

export type Call = <T = unknown>(method: string, path: string, body?: object) => Promise<Answer<T>>;

/** Calls with `key`, which is empty where the server asks for none. */
export function createCall(key: string): Call {
  return async <T>(method: string, path: string, body?: object): Promise<Answer<T>> => {
    const headers = {
      ...(key && { authorization: `Bearer ${key}` }),
      ...(body && { "content-type": "application/json" }),
    };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const answer = await fetch(path, init).catch(() => undefined);
    const said = await answer?.json().catch(() => undefined);
    const { code = "", message = answer ? `The answer was ${answer.status}.` : "No answer." } =
      said?.error ?? {};
    const { ok = false, status = 0 } = answer ?? {};
    return { ok, status, body: ok ? said : undefined, code, why: message };
  };
}
