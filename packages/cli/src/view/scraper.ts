/** Asks the pattern containers' probe servers for their metrics, at a steady pace; one that does not answer is passed over. */
import { get } from "node:http";
import type { Clock, Milliseconds, Timer } from "@outrigger/core";
import { parseExposition } from "./exposition.ts";
import { joinReadings, readTraffic, TrafficWindow, type Reading } from "./traffic.ts";

const TIMEOUT: Milliseconds = 1000;

export class Scraper {
  /** Rates and quantiles of the last ten seconds. */
  readonly window = new TrafficWindow(10_000);
  readonly #urls: readonly string[];
  readonly #clock: Clock;
  readonly #latest = new Map<string, Reading>();
  #timer: Timer | null = null;
  #stopped = false;

  constructor(urls: readonly string[], clock: Clock) {
    this.#urls = urls;
    this.#clock = clock;
  }

  start(period: Milliseconds): void {
    if (this.#urls.length === 0) return;
    const again = async (): Promise<void> => {
      await this.scrape();
      if (!this.#stopped) this.#timer = this.#clock.timer(period, () => void again());
    };
    this.#timer = this.#clock.timer(period, () => void again());
  }

  /** One round; a container that does not answer keeps its last figures. */
  async scrape(): Promise<void> {
    const answers = await Promise.all(this.#urls.map((url) => fetchText(url).catch(() => null)));
    let fresh = false;
    for (const [index, url] of this.#urls.entries()) {
      const text = answers[index];
      const reading = text == null ? null : readTraffic(parseExposition(text));
      if (!reading) continue;
      this.#latest.set(url, reading);
      fresh = true;
    }
    const joined = fresh ? joinReadings([...this.#latest.values()]) : null;
    if (joined) this.window.add(this.#clock.now(), joined);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.clear();
  }
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(
      url,
      { agent: false, signal: AbortSignal.timeout(TIMEOUT), headers: { accept: "text/plain;version=0.0.4" } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("end", () =>
          response.statusCode === 200 ? resolve(text) : reject(new Error("no metrics")),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
  });
}
