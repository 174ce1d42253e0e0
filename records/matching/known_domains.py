"""Facts about internet domains: where everybody can have an address, and under which endings of two parts one
registers."""

from __future__ import annotations

from typing import Final

_FREE = """
10minutemail.com 126.com 139.com 163.com 189.cn 1und1.de 21cn.com a1.net abv.bg aim.com alice.it
aliceadsl.fr aliyun.com ameritech.net anonaddy.com aol.co.uk aol.com aol.de aol.fr aon.at apollo.lv arcor.de
arnet.com.ar asia.com atlas.cz att.net autorambler.ru azet.sk bbox.fr bell.net bellsouth.net biglobe.ne.jp
bigmir.net bigpond.com bigpond.net.au bk.ru bluewin.ch blueyonder.co.uk bol.com.br bredband.net broadpark.no
btinternet.com btopenworld.com buziaczek.pl casema.nl centrum.cz centrum.sk centurylink.net charter.net
chello.at chello.nl citromail.hu ciudad.com.ar clear.net.nz clix.pt club-internet.fr cogeco.ca comcast.net
comhem.se consultant.com countermail.com cox.net daum.net dir.bg dispostable.com disroot.org docomo.ne.jp
dodo.com.au dr.com duck.com earthlink.net eircom.net elisanet.fi email.com email.cz email.de email.it
engineer.com europe.com excite.co.jp excite.com ezweb.ne.jp fastmail.com fastmail.fm fastwebnet.it
fibertel.com.ar forthnet.gr foxmail.com free.fr freemail.hu freenet.de frisurf.no frontier.com
frontiernet.net gawab.com gazeta.pl globo.com globomail.com gmail.com gmx.at gmx.ch gmx.co.uk gmx.com gmx.de
gmx.es gmx.fr gmx.net goo.jp googlemail.com guerrillamail.com hanmail.net hetnet.nl hey.com hispeed.ch
home.nl hot.ee hotmail.be hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it hotmail.nl
hushmail.com i.softbank.jp i.ua iafrica.com icloud.com ig.com.br iinet.net.au iname.com inbox.com inbox.lv
indamail.hu indiatimes.com inet.hr inode.at interia.pl internet.ru internode.on.net inwind.it iol.it iol.pt
jubii.dk juno.com kabelmail.de kakao.com keemail.me kolumbus.fi kpnmail.nl kpnplanet.nl laposte.net lenta.ru
libero.it list.ru live.ca live.co.uk live.com live.com.au live.de live.dk live.fr live.it live.nl live.no
live.se love.com luukku.com lycos.com mac.com magenta.de mail.bg mail.com mail.de mail.dk mail.ee mail.ru
mailbox.hu mailbox.org maildrop.cc mailinator.com me.com meta.ua mindspring.com movistar.es mozmail.com
msn.com mweb.co.za mynet.com myrambler.ru myself.com myyahoo.com nate.com naver.com net.hr netcabo.pt
netvision.net.il netzero.net neuf.fr nifty.com ntlworld.com numericable.fr o2.co.uk o2.pl o2online.de
ocn.ne.jp oi.com.br onet.pl online.de online.ee online.no ono.com op.pl optonline.net optusnet.com.au
orange.fr otenet.gr outlook.com outlook.com.br outlook.de outlook.es outlook.fr outlook.it pacbell.net
passport.com planet.nl plus.com plusnet.com pm.me pobox.sk poczta.fm poczta.onet.pl post.com post.cz
posteo.de posteo.net pp.inet.fi privaterelay.appleid.com prodigy.net.mx proton.me protonmail.ch
protonmail.com proximus.be qq.com quicknet.nl r7.com rambler.ru rediffmail.com riseup.net ro.ru
roadrunner.com rocketmail.com rogers.com rr.com runbox.com sapo.pt sbcglobal.net scarlet.be seznam.cz sfr.fr
sharklasers.com shaw.ca sify.com simnet.is simplelogin.com sina.cn sina.com siol.net sky.com skynet.be
slingshot.co.nz so-net.ne.jp softbank.ne.jp sohu.com speedy.com.ar spray.se startmail.com stofanet.dk
suddenlink.net sunrise.ch suomi24.fi superonline.com swbell.net swissonline.ch sympatico.ca t-online.de
t-online.hu talktalk.net tdcadsl.dk techie.com tele2.se telefonica.net telenet.be telia.com telkomsa.net
telus.net temp-mail.org terra.com terra.com.br terra.com.mx terra.es tesco.net tim.it tin.it tiscali.co.uk
tiscali.it tlen.pl tom.com tpg.com.au trashmail.com tut.by tuta.com tuta.io tutamail.com tutanota.com
tutanota.de ukr.net uol.com.br upcmail.nl usa.com utanet.at verizon.net videotron.ca vip.163.com vip.qq.com
vipmail.hu virgilio.it virginmedia.com vodafone.de vodamail.co.za volny.cz vp.pl walla.co.il walla.com
wanadoo.fr web.de webmail.co.za windowslive.com windstream.net wo.cn wp.pl writeme.com xs4all.nl xtra.co.nz
ya.ru yahoo.ca yahoo.co.id yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.ar yahoo.com.au
yahoo.com.br yahoo.com.hk yahoo.com.mx yahoo.com.ph yahoo.com.sg yahoo.com.tw yahoo.de yahoo.dk yahoo.es
yahoo.fr yahoo.gr yahoo.ie yahoo.in yahoo.it yahoo.nl yahoo.no yahoo.pl yahoo.ro yahoo.se yandex.by
yandex.com yandex.kz yandex.ru yandex.ua yeah.net ymail.com yopmail.com zen.co.uk ziggo.nl zipmail.com.br
zoho.com zohomail.com zohomail.eu zohomail.in zoznam.sk
"""
FREE: Final = frozenset(_FREE.split())
"""Providers where everybody, or every customer of theirs at home, can have an address."""

_COUNTRIES_OF_CO = "uk nz za jp kr il in id th ke ug zw bw cr"
_COUNTRIES_OF_COM = """
au br mx ar tr sg my hk tw cn ph pk ua eg sa ng co pe ve uy py ec gt sv hn ni pa do bo pl vn bd lk np mt cy
gr gh qa kw om lb jo by ru ro ge kz
"""
_OTHERS = """
ad.jp asn.au asso.fr biz.pl co.at co.dk co.hu co.it co.no com.es com.fr com.pt de.com ed.jp eng.br eu.com
firm.in geek.nz gen.in gen.tr go.id go.jp go.kr go.th gob.ar gob.mx gouv.fr gov.hu gov.il gov.in gov.it
gov.uk gov.za govt.nz gr.jp gv.at id.au idv.hk idv.tw in.th in.ua ind.br ind.in info.pl k12.tr kiev.ua
ltd.uk me.uk ne.jp ne.kr net.il net.in net.nz net.uk net.za nhs.uk nom.es or.at or.id or.jp or.kr or.th
org.es org.hu org.il org.in org.nz org.pt org.uk org.za per.sg plc.uk priv.no re.kr sch.uk uk.com us.com
waw.pl web.id web.tr
"""
REGISTRIES: Final = frozenset(
    [f"{second}.{country}" for country in _COUNTRIES_OF_CO.split() for second in ("co", "ac")]
    + [
        f"{second}.{country}"
        for country in _COUNTRIES_OF_COM.split()
        for second in ("com", "net", "org", "edu", "gov")
    ]
    + _OTHERS.split()
)
"""Endings of two parts under which one registers."""
