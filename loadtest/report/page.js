'use strict';
// Tooltips, the pointer on the timeline and the heat map, filter, copy, theme.
// Every foreign text goes through textContent.
(() => {
  const $ = (id) => document.getElementById(id);
  const tip = $('tip');
  const show = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const w = tip.offsetWidth, h = tip.offsetHeight;
    tip.style.transform = `translate(${Math.max(6, Math.min(x + 14, innerWidth - w - 6))}px, ${y - h - 12 < 6 ? y + 18 : y - h - 12}px)`;
  };
  const hide = () => { tip.hidden = true; };
  const data = (id) => { const e = $(id); return e ? JSON.parse(e.textContent) : null; };
  const clock = (s) => s < 120 ? `${Math.round(s * 10) / 10} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;

  document.addEventListener('pointermove', (e) => {
    const target = e.target instanceof Element ? e.target : null;
    const tipped = target && target.closest('[data-tip]');
    if (tipped) show(tipped.getAttribute('data-tip'), e.clientX, e.clientY);
    else if (!target || !target.closest('.timeline figure, .sheet img')) hide();
  });
  document.addEventListener('scroll', hide, { passive: true });

  const hover = data('hover-data');
  if (hover) for (const svg of document.querySelectorAll('.timeline figure svg')) {
    const cross = svg.querySelector('.cross'), width = svg.viewBox.baseVal.width;
    const off = () => { cross.classList.remove('on'); hide(); };
    svg.addEventListener('pointermove', (e) => {
      const box = svg.getBoundingClientRect();
      const x = (e.clientX - box.left) / box.width * width, from = hover.left, to = width - hover.right;
      if (x < from || x > to) return off();
      const i = Math.round((x - from) / (to - from) * (hover.steps - 1));
      const at = from + i / (hover.steps - 1) * (to - from);
      cross.setAttribute('x1', at);
      cross.setAttribute('x2', at);
      cross.classList.add('on');
      show([clock(i * hover.step), ...hover.series.map((s) => `${s.label}: ${s.values[i]}`)].join('\n'), e.clientX, e.clientY);
    });
    svg.addEventListener('pointerleave', off);
  }

  const heat = data('heat-data');
  const said = {
    share: (q) => { const v = q / 254; return `${Math.round((1 - v * v) * 1000) / 10} %`; },
    ms: (q) => { const v = 50 * Math.pow(20, q / 254); return q === 0 ? '50 ms or less' : q === 254 ? '1 s or more' : `${Math.round(v)} ms`; },
  };
  if (heat) for (const map of heat.maps) {
    const values = Uint8Array.from(atob(map.data), (c) => c.charCodeAt(0));
    const img = document.querySelector(`[data-map="${map.key}"] img`);
    img.addEventListener('pointermove', (e) => {
      const box = img.getBoundingClientRect();
      const column = Math.min(heat.columns - 1, Math.max(0, Math.floor((e.clientX - box.left) / box.width * heat.columns)));
      const row = Math.min(heat.ids.length - 1, Math.max(0, Math.floor((e.clientY - box.top) / box.height * heat.ids.length)));
      const q = values[row * heat.columns + column];
      show(`${heat.ids[row]}\n${clock(column / heat.columns * heat.seconds)}: ${map.title} ${q === 255 ? '– nothing to hear' : said[map.kind](q)}`, e.clientX, e.clientY);
    });
    img.addEventListener('pointerleave', hide);
  }

  const filter = $('filter');
  if (filter) {
    filter.hidden = false;
    filter.addEventListener('input', () => {
      const words = filter.value.toLowerCase().split(/\s+/);
      for (const body of document.querySelectorAll('.all tbody')) {
        let any = false;
        for (const row of body.querySelectorAll('tr:not(.part)')) {
          const text = row.textContent.toLowerCase();
          row.hidden = !words.every((w) => text.includes(w));
          any = any || !row.hidden;
        }
        body.hidden = !any;
      }
    });
  }

  const copy = $('copy');
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener('click', () => navigator.clipboard.writeText($('command').textContent).then(
      () => { copy.textContent = 'Copied'; }, () => { copy.textContent = 'Select it and press Ctrl-C'; }));
  }

  const theme = $('theme');
  theme.hidden = false;
  theme.addEventListener('click', () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === 'dark'
      || !document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches;
    document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  });
})();
