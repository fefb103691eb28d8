/** What a test asks of a server with a host in it by HTTP. */

export class Site {
  /** @param {string} url of the server, like `http://127.0.0.1:1234` */
  constructor(url) {
    this.url = url;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  /** The fragment of one view. @param {string} id @param {{ shadow?: boolean, attributes?: string, fallback?: string }} [options] */
  async view(id, { shadow = false, attributes = "", fallback = "" } = {}) {
    const html = await this.#get(`/anywidget/models/${encodeURIComponent(id)}/view`).then((response) => response.text());
    return html.replace("<any-widget ", `<any-widget ${shadow ? "shadow " : ""}${attributes} `).replace("<div></div>", `<div>${fallback}</div>`);
  }

  /** The state, as the host's HTTP surface tells it. @param {string} id @returns {Promise<any>} */
  async state(id) {
    return (await this.#get(`/anywidget/models/${encodeURIComponent(id)}/state`)).json();
  }

  /** @param {string} path */
  async #get(path) {
    const response = await fetch(this.url + path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}
