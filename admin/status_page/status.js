// SPDX-License-Identifier: Apache-2.0
// Polls status.json and shows it. All texts are set as text, never as HTML.
'use strict';

const POLL_MS = 2000;
const TIMEOUT_MS = 5000;
const RATE_S = 10;
const SHARE_S = 60;
const HISTORY_S = 300;
const TOP_REASONS = 12;

const byId = (id) => document.getElementById(id);
let samples = [];  // The newest is last. `at` is in seconds of this browser's monotonic clock.
let lastAnswer = null;
let failures = 0;

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setClass(element, name) {
  if (element.className !== name) element.className = name;
}

function format(number) {
  if (number === null || Number.isNaN(number)) return '–';
  return number.toLocaleString('en', {maximumFractionDigits: number < 10 ? 1 : 0});
}

function milliseconds(seconds) {
  if (seconds === null) return '–';
  if (seconds < 0.01) return (seconds * 1000).toFixed(2) + ' ms';
  return (seconds * 1000).toFixed(0) + ' ms';
}

const sum = (object) => Object.values(object).reduce((a, b) => a + b, 0);

// The newest sample that is at least `seconds` old, or else the oldest one.
function before(seconds) {
  const now = samples[samples.length - 1].at;
  let found = samples[0];
  for (const sample of samples) {
    if (now - sample.at >= seconds) found = sample;
  }
  return found;
}

// The value below which `share` of the durations are that came between two histograms. Linear
// within a bucket.
function percentile(now, then, share) {
  const counts = now.counts.map((count, i) => count - (then ? then.counts[i] : 0));
  const total = counts.reduce((a, b) => a + b, 0);
  if (total <= 0) return null;
  let rest = share * total;
  for (let i = 0; i < counts.length; ++i) {
    const low = i === 0 ? 0 : now.bounds_s[i - 1];
    if (rest <= counts[i] && counts[i] > 0) {
      const high = i < now.bounds_s.length ? now.bounds_s[i] : low;
      return low + (high - low) * rest / counts[i];
    }
    rest -= counts[i];
  }
  return now.bounds_s[now.bounds_s.length - 1];
}

// Fills a table in place, so that focus and the position of a screen reader stay. A cell is a text,
// or {text, className, number, meter}.
function setRows(body, rows) {
  const labels = [...body.parentElement.tHead.rows[0].cells].map((cell) => cell.textContent);
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, index) => {
    let row = body.rows[index];
    if (!row) {
      row = body.insertRow();
      cells.forEach((cell, column) => {
        const element = document.createElement(column === 0 ? 'th' : 'td');
        if (column === 0) element.scope = 'row';
        element.dataset.label = labels[column];
        row.appendChild(element);
      });
    }
    cells.forEach((cell, column) => {
      const element = row.cells[column];
      const value = typeof cell === 'object' ? cell : {text: cell};
      setClass(element, [value.number ? 'n' : '', value.className || ''].join(' ').trim());
      if (value.meter === undefined) return setText(element, value.text);
      let meter = element.firstElementChild;
      if (!meter) {
        meter = document.createElement('meter');
        meter.max = 1;
        meter.high = 0.8;
        meter.optimum = 0;
        element.appendChild(meter);
      }
      meter.value = value.meter;
      meter.setAttribute('aria-label', value.text);
      meter.title = value.text;
    });
  });
}

const number = (value) => ({text: typeof value === 'string' ? value : format(value), number: true});

function listOf(object) {
  return Object.entries(object).sort((a, b) => b[1] - a[1])
      .map(([name, count]) => `${name} ${format(count)}`).join(', ');
}

function showTraffic(now) {
  const recent = before(RATE_S);
  const minute = before(SHARE_S);
  const seconds = now.at - recent.at;
  const rate = seconds > 0 ? (sum(now.data.queries) - sum(recent.data.queries)) / seconds : null;
  setText(byId('rate'), format(rate));
  const hits = now.data.cache.hits - minute.data.cache.hits;
  const misses = now.data.cache.misses - minute.data.cache.misses;
  setText(byId('hits'), hits + misses > 0 ? format(100 * hits / (hits + misses)) + ' %' : '–');
  const times = (key, share) => milliseconds(
      percentile(now.data[key], now === minute ? null : minute.data[key], share));
  setText(byId('p50'), times('query_times', 0.5));
  setText(byId('p95'), times('query_times', 0.95));
  setText(byId('p99'), times('query_times', 0.99));
  setText(byId('miss99'), times('miss_times', 0.99));
  const rates = samples.slice(1).map((sample, i) => ({
    at: sample.at,
    rate: (sum(sample.data.queries) - sum(samples[i].data.queries)) / (sample.at - samples[i].at)
  }));
  const most = Math.max(1, ...rates.map((one) => one.rate));
  byId('line').setAttribute('points', rates.map((one) =>
    `${(300 - (now.at - one.at)).toFixed(1)},${(57 - 54 * one.rate / most).toFixed(1)}`).join(' '));
  byId('chart').setAttribute('aria-label', `Queries per second: ${format(rate)} now, ` +
      `at most ${format(most)} in the last minutes`);
}

function showServers(now) {
  const zones = now.data.zones.length;
  const rows = now.data.zones.flatMap((zone) => zone.servers.map((server) => [
    server.provider + (zones > 1 ? ` (${zone.zone})` : ''),
    server.address,
    {text: server.state, className: server.state === 'up' ? 'good' : 'bad'},
    server.why,
    server.last_failure_ago_ms === null ? '' :
        `${server.last_cause || server.last_failure} (${format(server.last_failure_ago_ms / 1000)} s ago)`,
    number(server.connections),
    number(server.response_time_ms === null ? '–' : milliseconds(server.response_time_ms / 1000))
  ]));
  rows.sort((a, b) => (a[0] + a[1]).localeCompare(b[0] + b[1]));
  setRows(byId('servers'), rows);
  const recent = before(RATE_S);
  const minute = before(SHARE_S);
  const seconds = now.at - recent.at;
  setRows(byId('totals'), now.data.providers.map((provider, i) => {
    const rate = seconds > 0 ? (provider.queries - recent.data.providers[i].queries) / seconds : null;
    const then = now === minute ? null : minute.data.providers[i].response_times;
    const state = provider.erring ? ' (answers with errors)' : provider.loops ? ' (loop)' : '';
    return [
      provider.zone, {text: provider.provider + state, className: state ? 'bad' : ''}, number(rate),
      number(provider.queries), listOf(provider.responses), listOf(provider.failures),
      number(milliseconds(percentile(provider.response_times, then, 0.5))),
      number(milliseconds(percentile(provider.response_times, then, 0.99)))
    ];
  }));
}

function reasonsOf(data) {
  const reasons = [];
  const add = (kind, object) => {
    for (const [reason, count] of Object.entries(object)) reasons.push({kind, reason, count});
  };
  add('SERVFAIL', data.servfail);
  add('query not served', data.rejections);
  add('at a limit', data.limit_rejections);
  if (data.refused_clients > 0) add('client refused', {'not in allow-from': data.refused_clients});
  return reasons;
}

function showReasons(now) {
  const minute = reasonsOf(before(SHARE_S).data);
  const rows = reasonsOf(now.data).sort((a, b) => b.count - a.count).slice(0, TOP_REASONS)
      .map(({kind, reason, count}) => {
        const then = minute.find((one) => one.kind === kind && one.reason === reason);
        return [kind, reason, number(count), number(count - (then ? then.count : 0))];
      });
  setRows(byId('reasons'), rows.length > 0 ? rows : [['none', '', number(''), number('')]]);
}

function showLimits(now) {
  const share = (limit) => limit.bound > 0 ? limit.used / limit.bound : 0;
  const rows = [...now.data.limits].sort((a, b) => share(b) - share(a)).map((limit) => {
    const percent = (100 * share(limit)).toFixed(0) + ' %';
    return [limit.limit, {meter: share(limit), text: `${limit.limit}: ${percent}`},
            number(limit.used), number(limit.bound)];
  });
  setRows(byId('limits'), rows);
}

function showHead(now) {
  const {data} = now;
  setText(byId('version'), data.version);
  setText(byId('ready'), data.ready ? 'ready' : 'not ready');
  setClass(byId('ready'), data.ready ? 'good' : 'bad');
  const up = data.servers.filter((server) => server.up).length;
  const problems = [];
  if (up < data.servers.length) problems.push(`${data.servers.length - up} down`);
  if (!data.last_reload_ok) problems.push('the last reload failed');
  setText(byId('summary'), `${up} of ${data.servers.length} servers up` +
      (problems.length > 0 ? ` (${problems.join(', ')})` : ''));
  document.title = `dotcache: ${data.ready ? 'ready' : 'not ready'}`;
}

function show(data) {
  const last = samples[samples.length - 1];
  // A restart or a reload begins the history again.
  if (last && (data.uptime_s < last.data.uptime_s - 2 || sum(data.queries) < sum(last.data.queries) ||
               data.providers.length !== last.data.providers.length)) {
    samples = [];
  }
  const now = {at: performance.now() / 1000, data};
  samples.push(now);
  samples = samples.filter((sample) => now.at - sample.at <= HISTORY_S);
  for (const part of [showHead, showTraffic, showServers, showReasons, showLimits]) part(now);
}

function showAge() {
  if (lastAnswer === null && failures === 0) return;
  const old = failures > 0;
  setText(byId('age'), lastAnswer === null ? 'No data yet' :
      `Data of ${lastAnswer.toLocaleTimeString()}, every ${POLL_MS / 1000} s`);
  document.body.classList.toggle('old', old);
  byId('old').hidden = !old;
  setText(byId('old'), !old ? '' : lastAnswer === null ? 'dotcache does not answer.' :
      `dotcache does not answer. The data is old: it is of ${lastAnswer.toLocaleTimeString()}.`);
}

async function get(path) {
  const response = await fetch(path, {cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS)});
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

// Only while it can be read.
async function showConfiguration() {
  if (!document.querySelector('details').open) return;
  try {
    setText(byId('configuration'), await (await get('config.yaml')).text());
  } catch {
    // The next poll tells if the server does not answer.
    setText(byId('configuration'), 'The settings are shown to clients on the machine of dotcache.');
  }
}

async function poll() {
  let data = null;
  try {
    data = await (await get('status.json')).json();
    failures = 0;
    lastAnswer = new Date();
  } catch {
    ++failures;
  }
  if (data !== null) {
    show(data);
    await showConfiguration();
  }
  showAge();
  setTimeout(poll, POLL_MS);
}

document.querySelector('details').addEventListener('toggle', showConfiguration);
poll();
