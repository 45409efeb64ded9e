/** A variable of the gateway's environment, if `grants.env` names it and it is set. */
export function env(name: string): string | null;
