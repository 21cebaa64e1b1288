// WHIP, RFC 9725: an offer goes to the hub by POST, its answer comes back, and DELETE ends what was begun.

const SDP = "application/sdp";

/** The hub says no. */
export class Refused extends Error {
  /** @param {number} status of HTTP */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class Whip {
  #url;
  #headers;
  #resource = null;
  #isOver = false;

  constructor({ session, token }) {
    this.#url = new URL(`/whip/${session}`, location.href);
    this.#headers = token ? { authorization: `Bearer ${token}` } : {};
  }

  /**
   * @param {string} offer with all candidates
   * @returns {Promise<string>} the answer, with all candidates
   */
  async publish(offer) {
    const response = await this.#ask("POST", this.#url, offer);
    this.#resource = new URL(response.headers.get("location"), this.#url);
    const answer = await response.text();
    if (this.#isOver) void this.end();
    return answer;
  }

  /** May be called at any time, also when the page is left. Done when the hub knows. */
  async end() {
    this.#isOver = true;
    const resource = this.#resource;
    this.#resource = null;
    // One that is gone already is as good.
    if (resource) await fetch(resource, { method: "DELETE", headers: this.#headers, keepalive: true }).catch(() => {});
  }

  async #ask(method, url, body) {
    const headers = body ? { ...this.#headers, "content-type": SDP } : this.#headers;
    const response = await fetch(url, { method, headers, body }).catch(() => {
      throw new Error("The hub cannot be reached.");
    });
    if (!response.ok) {
      // RFC 9457.
      const { detail } = await response.json().catch(() => ({}));
      throw new Refused(response.status, detail ?? response.statusText);
    }
    return response;
  }
}
