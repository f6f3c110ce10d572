package report

import "html/template"

// phase is a row of the picture of joining.
type phase struct {
	title         string
	p50, p95, p99 float64
}

// phases are those of joining that were measured, in order.
func phases(m Metrics) (rows []phase) {
	for _, each := range []struct{ name, title string }{
		{"join.http_ms", "request"}, {"join.ice_ms", "finding a way (ICE)"}, {"join.dtls_ms", "encryption (DTLS)"},
		{"join.channels_ms", "channels"}, {"join.welcome_ms", "welcome"}, {"join.total_ms", "all of it"}, {"reconnect.total_ms", "a reconnect"},
	} {
		p50, ok := m[each.name+".p50"]
		p95, ok95 := m[each.name+".p95"]
		p99, ok99 := m[each.name+".p99"]
		if ok && ok95 && ok99 && isNumber(p50) && isNumber(p95) && isNumber(p99) && p99 > 0 {
			rows = append(rows, phase{each.title, p50, p95, p99})
		}
	}
	return rows
}

// rangesPlot draws median to 99th percentile of each phase on one axis.
// Percentiles of phases do not add up, so nothing is stacked.
func rangesPlot(class string, w float64, rows []phase) template.HTML {
	const rowHeight, top = 34, 20
	left := 150.0
	if w < 400 {
		left = 136
	}
	least, most := rows[0].p99, 0.0
	for _, r := range rows {
		least, most = min(least, max(r.p50, r.p99/1000)), max(most, r.p99)
	}
	bottom := top + rowHeight*float64(len(rows))
	x := axis{from: max(least*.7, .01), to: most * 1.25, a: left, b: w - 62, log: true}
	p := draw(class, w, bottom+50, "Time to join by phase: median, 95th and 99th percentile")
	for _, t := range x.ticks(int((x.b - x.a) / 62)) {
		p.line("grid", x.at(t), top-8, x.at(t), bottom)
		p.text("tick", x.at(t), bottom+18, "middle", FormatValue("ms", t))
	}
	p.text("tick", w-4, top-8, "end", "99 %")
	for i, r := range rows {
		y, c := top+rowHeight*(float64(i)+.5), "s4"
		if r.title == "all of it" {
			c = "s1"
		}
		p.text("row", left-12, y+4, "end", r.title)
		p.line("reach "+c, x.at(r.p50), y, x.at(r.p99), y)
		p.circle("ring "+c, x.at(r.p50), y, 5, r.title+": half within "+FormatValue("ms", r.p50))
		p.circle("dot solid "+c, x.at(r.p95), y, 3.5, r.title+": 95 % within "+FormatValue("ms", r.p95))
		p.circle("dot solid "+c, x.at(r.p99), y, 5, r.title+": 99 % within "+FormatValue("ms", r.p99))
		p.text("row", w-4, y+4, "end", FormatValue("ms", r.p99))
	}
	y := bottom + 40
	p.circle("ring s4", left+6, y-4, 5, "")
	p.text("tick", left+16, y, "start", "half")
	p.circle("dot solid s4", left+60, y-4, 3.5, "")
	p.text("tick", left+69, y, "start", "95 %")
	p.circle("dot solid s4", left+116, y-4, 5, "")
	p.text("tick", left+126, y, "start", "99 % within")
	return p.done()
}

// band is one direction's bandwidth, by kind.
type band struct {
	Title, Total string
	Parts        []part
}

type part struct {
	Title, Text, Class string
	Percent            float64 // of the wider direction
}

// bands are what each person received and sent on average.
func bands(m Metrics) (rows []band) {
	kinds := []struct{ name, title, class string }{{"voice", "voice", "s1"}, {"video", "video", "s3"}, {"pose", "movement", "s2"}, {"control", "messages", "s4"}}
	sum := func(direction string) (total float64) {
		for _, k := range kinds {
			if v := m["net."+direction+"_kbps."+k.name]; isNumber(v) && v > 0 {
				total += v
			}
		}
		if v := m["net."+direction+"_kbps.total"]; isNumber(v) {
			total = max(total, v)
		}
		return total
	}
	widest := max(sum("down"), sum("up"))
	for _, d := range []struct{ name, title string }{{"down", "received"}, {"up", "sent"}} {
		total := sum(d.name)
		if total == 0 {
			continue
		}
		row := band{Title: d.title, Total: FormatValue("kbps", total)}
		rest := total
		for _, k := range kinds {
			if v := m["net."+d.name+"_kbps."+k.name]; isNumber(v) && v > 0 {
				row.Parts = append(row.Parts, part{k.title, FormatValue("kbps", v), k.class, v / widest * 100})
				rest -= v
			}
		}
		if rest > total*.005 {
			row.Parts = append(row.Parts, part{"feedback and the rest", FormatValue("kbps", rest), "s5", rest / widest * 100})
		}
		rows = append(rows, row)
	}
	return rows
}
