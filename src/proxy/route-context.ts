/** What a route depends on besides the words. Types only. */

import type { Account } from './authentication.ts';
import type { EndpointSettings } from './endpoint-settings.ts';

export interface RouteContext {
  readonly settings: EndpointSettings;
  /** Null: the client has not said who it is. */
  readonly account: Account | null;
}
