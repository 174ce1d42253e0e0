// The same words as gtmops/phrases.py; tests/gtmops/phrases.json holds the two to one table.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const two = (number) => String(number).padStart(2, "0");

export function durationWords(seconds) {
  const whole = Math.abs(Math.trunc(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < DAY) {
    const hours = Math.floor(whole / HOUR);
    const minutes = Math.floor((whole % HOUR) / MINUTE);
    return minutes ? `${hours} h ${two(minutes)} min` : `${hours} h`;
  }
  const days = Math.floor(whole / DAY);
  const hours = Math.floor((whole % DAY) / HOUR);
  return hours ? `${days} d ${hours} h` : `${days} d`;
}

const formats = new Map();

// {year, month, day, hour, minute, weekday, monthName} of a moment in a zone.
function parts(moment, zone) {
  if (!formats.has(zone)) {
    formats.set(
      zone,
      new Intl.DateTimeFormat("en-GB", {
        timeZone: zone, year: "numeric", month: "short", day: "numeric", weekday: "short",
        hour: "2-digit", minute: "2-digit", hourCycle: "h23",
      }),
    );
  }
  const found = {};
  for (const { type, value } of formats.get(zone).formatToParts(moment)) found[type] = value;
  found.month = found.month.slice(0, 3); // "Sept" in British English
  return found;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const dayNumber = (p) => Date.UTC(Number(p.year), months.indexOf(p.month), Number(p.day)) / 86400000;

function dayWords(moment, now, zone) {
  const then = parts(moment, zone);
  const today = parts(now, zone);
  const days = dayNumber(then) - dayNumber(today);
  const clock = `${then.hour}:${then.minute}`;
  if (days === 0) return `${clock} today`;
  if (days === 1) return `tomorrow ${clock}`;
  if (days === -1) return `yesterday ${clock}`;
  if (days > 1 && days < 7) return `${then.weekday} ${clock}`;
  return then.year === today.year ? `${then.day} ${then.month}` : `${then.day} ${then.month} ${then.year}`;
}

export function relativeWords(moment, now, zone) {
  const seconds = Math.trunc((now - moment) / 1000);
  if (seconds < 0) return -seconds < 6 * HOUR ? `in ${durationWords(seconds)}` : dayWords(moment, now, zone);
  if (seconds < 5) return "just now";
  if (seconds < 4 * HOUR) return `${durationWords(seconds)} ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  if (seconds < 7 * DAY) return `${Math.floor(seconds / DAY)} d ago`;
  return dayWords(moment, now, zone);
}

export function dueWords(due, now, zone) {
  const left = Math.trunc((due - now) / 1000);
  if (left <= 0) return left > -MINUTE ? "due now" : `${durationWords(left)} late`;
  if (left < 3 * HOUR) return `${durationWords(left)} left`;
  if (left < 6 * HOUR) return `${Math.floor(left / HOUR)} h left`;
  return `due ${dayWords(due, now, zone)}`;
}

export function dueSeverity(due, now, soonSeconds) {
  const left = (due - now) / 1000;
  if (left <= 0) return "late";
  return left <= soonSeconds ? "soon" : "ok";
}
