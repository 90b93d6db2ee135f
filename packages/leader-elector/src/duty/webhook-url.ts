/** The URL of a webhook, as a configuration may name it. A file of its own, so that reading one loads no client. */
import { OutriggerError } from "@outrigger/core";

/** @throws OutriggerError `bad-webhook-url` */
export function parseWebhookUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.hash === "")
    return url;
  throw new OutriggerError(
    "bad-webhook-url",
    `${text.replace(/\/\/.*@/, "//...@")} is no URL of a webhook: http://HOST[:PORT]/PATH or https://..., without a user and without #; what proves who we are is a signature (secretFile)`,
  );
}
